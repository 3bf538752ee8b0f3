//! Checks each poll of a future against "Pending only when the transport was pending, or the task
//! has been woken".

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::pipe::Control;

/// A future for which every `Pending` is checked.
pub struct Watched<'a, F> {
    future: Pin<Box<F>>,
    transports: &'a [&'a Control],
}

impl<'a, F: Future> Watched<'a, F> {
    /// Watches a future that waits for these transports and nothing else.
    pub fn new(future: F, transports: &'a [&'a Control]) -> Self {
        Self {
            future: Box::pin(future),
            transports,
        }
    }
}

impl<F: Future> Future for Watched<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let before = pending_answers(self.transports);
        let noted = Arc::new(NotedWaker {
            woken: AtomicBool::new(false),
            to: cx.waker().clone(),
        });
        let waker = Waker::from(Arc::clone(&noted));
        let answer = self.future.as_mut().poll(&mut Context::from_waker(&waker));
        if answer.is_pending() {
            let woken = noted.woken.load(Ordering::Acquire);
            let waits = pending_answers(self.transports) > before;
            assert!(
                waits || woken,
                "pending, although no transport was pending in this poll and the task was not woken"
            );
        }
        answer
    }
}

fn pending_answers(transports: &[&Control]) -> usize {
    transports
        .iter()
        .map(|transport| transport.counts().pending())
        .sum()
}

struct NotedWaker {
    woken: AtomicBool,
    to: Waker,
}

impl Wake for NotedWaker {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.to.wake_by_ref();
    }
}
