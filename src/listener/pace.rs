//! Limits the effect of handshakes on established connections.
//!
//! A step of a handshake may compute for as long as a whole request takes. When many clients
//! connect at once, tokio's FIFO queue fills with such steps, and everything else waits behind all
//! of them. So a step waits outside that queue for a permit, of which there is one for each worker
//! thread. Before it computes, it lets the worker poll for I/O and run the tasks that have become
//! ready.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// Runs `work`, with a permit for each of its polls.
///
/// It holds none between its polls, so waiting for a client blocks no other handshake.
pub(super) async fn paced<F: Future>(permits: &Semaphore, mut work: Pin<&mut F>) -> F::Output {
    loop {
        let permit = match permits.try_acquire() {
            Ok(permit) => Ok(permit),
            // Boxed, so that handshakes waiting for their clients do not need the space.
            Err(_) => Box::pin(permits.acquire()).await,
        };
        // The worker polls its driver, and then this task before those that have become ready,
        // since tokio polls the task that was woken last before its queue.
        yield_now().await;
        if permits.available_permits() == 0 {
            // Each worker has a handshake, so none is idle and would be woken for this task.
            queue_again().await;
        }
        let step = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        drop(permit);
        if let Poll::Ready(output) = step {
            return output;
        }
        woken().await;
    }
}

/// Moves the task to the end of the worker's queue, which is where tokio puts a task that was woken
/// while it was polled.
async fn queue_again() {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(())
    })
    .await;
    woken().await;
}

/// Waits until the task is woken for any reason.
async fn woken() {
    let mut is_first = true;
    poll_fn(|_| match std::mem::take(&mut is_first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}
