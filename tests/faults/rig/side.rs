//! One side of a connection: the stream that its tasks share, and how it ended.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pollback_testkit::pipe::Injected;

use super::case::Stop;
use super::makes::Make;
use super::streams::Stream;

/// How a side ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Every act was done.
    Done,
    /// An act failed, after which the side dropped its stream.
    Failed(io::Error),
    /// The transport panicked.
    Panicked,
    /// The side was dropped at the point that the case names.
    Dropped,
}

/// State shared by the tasks of one side. When one of them fails, the others end, too.
#[derive(Default)]
pub(crate) struct Side {
    is_ours: bool,
    stream: RefCell<Option<Box<dyn Stream>>>,
    ending: RefCell<Option<Ending>>,
    wakers: RefCell<[Option<Waker>; 2]>,
    unfinished: Cell<usize>,
    stop: Cell<Option<Stop>>,
    /// How many bytes of this side's application were accepted.
    pub(super) sent: Cell<usize>,
    /// How many more bytes a failed write may have accepted: they may still be sent.
    pub(super) unsure: Cell<usize>,
    /// How many bytes it has received.
    pub(super) received: Cell<usize>,
    /// How many bytes it has requested.
    pub(super) asked: Cell<usize>,
}

impl Side {
    pub(super) fn new(make: Make, tasks: usize, stop: Option<Stop>) -> Rc<Self> {
        Rc::new(Self {
            is_ours: make.is_ours(),
            unfinished: Cell::new(tasks),
            stop: Cell::new(stop),
            ..Self::default()
        })
    }

    /// Starts the second task. The first one, which has created the stream, is not woken by that.
    pub(super) fn establish(&self, stream: Box<dyn Stream>) {
        *self.stream.borrow_mut() = Some(stream);
        let waiting = self.wakers.borrow_mut()[1].take();
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) async fn established(&self) {
        poll_fn(|_| match *self.stream.borrow() {
            Some(_) => Poll::Ready(()),
            None => Poll::Pending,
        })
        .await;
    }

    pub(super) fn with_stream<T>(&self, act: impl FnOnce(&mut dyn Stream) -> T) -> T {
        act(&mut **self.stream.borrow_mut().as_mut().expect("established"))
    }

    /// Replaces the stream.
    pub(super) fn replace_stream(&self, change: impl FnOnce(Box<dyn Stream>) -> Box<dyn Stream>) {
        let stream = self.stream.take().expect("established");
        *self.stream.borrow_mut() = Some(change(stream));
    }

    /// Performs an operation on the stream; returns `None` if it was cancelled instead of waiting.
    pub(super) async fn operation<T>(
        &self,
        mut poll: impl FnMut(Pin<&mut dyn Stream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<Option<T>> {
        poll_fn(
            |cx| match self.with_stream(|stream| poll(Pin::new(stream), cx)) {
                Poll::Pending if self.cancels_now() => Poll::Ready(Ok(None)),
                answer => answer.map_ok(Some),
            },
        )
        .await
    }

    /// Called whenever an operation waits; returns whether it is the one to cancel.
    pub(super) fn cancels_now(&self) -> bool {
        match self.stop.get() {
            Some(Stop::Cancel(left)) => {
                self.stop.set(left.checked_sub(1).map(Stop::Cancel));
                left == 0
            }
            _ => false,
        }
    }

    fn drops_now(&self) -> bool {
        match self.stop.get() {
            Some(Stop::Drop(left)) => {
                self.stop.set(left.checked_sub(1).map(Stop::Drop));
                left == 0
            }
            _ => false,
        }
    }

    /// Whether the point was reached at which the case stops this side.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.get().is_none()
    }

    fn end(&self, ending: Ending) {
        self.ending.borrow_mut().get_or_insert(ending);
        let stream = self.stream.take();
        drop(stream);
        self.wake_all();
    }

    fn wake_all(&self) {
        self.wakers
            .take()
            .into_iter()
            .flatten()
            .for_each(Waker::wake);
    }

    fn finish(&self, result: io::Result<()>) {
        self.unfinished.set(self.unfinished.get() - 1);
        match result {
            Ok(()) if self.unfinished.get() > 0 => {}
            Ok(()) => self.end(Ending::Done),
            Err(error) => {
                if self.is_ours {
                    self.try_again();
                }
                self.end(Ending::Failed(error));
            }
        }
    }

    /// Operations on a failed stream must do no harm.
    fn try_again(&self) {
        if let Some(stream) = &mut *self.stream.borrow_mut() {
            let mut context = Context::from_waker(Waker::noop());
            let flush = || Pin::new(&mut **stream).poll_flush(&mut context);
            if let Err(payload) = catch_unwind(AssertUnwindSafe(flush)) {
                if !is_injected(&*payload) {
                    resume_unwind(payload);
                }
            }
        }
    }

    pub(super) fn ending(&self) -> Ending {
        self.ending
            .take()
            .expect("the executor has run every task to completion")
    }
}

/// A task of a side, which ends with the side.
pub(super) struct Task<F> {
    side: Rc<Side>,
    slot: usize,
    future: Option<Pin<Box<F>>>,
}

impl<F: Future<Output = io::Result<()>>> Task<F> {
    pub(super) fn new(side: &Rc<Side>, slot: usize, future: F) -> Self {
        Self {
            side: Rc::clone(side),
            slot,
            future: Some(Box::pin(future)),
        }
    }

    fn poll_future(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let future = self.future.as_mut().expect("not polled after completion");
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(answer) => answer,
            Err(payload) if is_injected(&*payload) => {
                self.side.end(Ending::Panicked);
                Poll::Pending
            }
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl<F: Future<Output = io::Result<()>>> Future for Task<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.side.wakers.borrow_mut()[self.slot] = Some(cx.waker().clone());
        if self.side.ending.borrow().is_none() {
            match self.poll_future(cx) {
                Poll::Ready(result) => {
                    self.future = None;
                    self.side.finish(result);
                    return Poll::Ready(());
                }
                Poll::Pending if self.side.drops_now() => {
                    self.future = None;
                    self.side.end(Ending::Dropped);
                }
                Poll::Pending => {}
            }
        }
        if self.side.ending.borrow().is_some() {
            self.future = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

fn is_injected(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Injected>()
}
