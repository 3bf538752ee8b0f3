//! The loop over attempts, shared by everything that drives a transport.

use std::io;
use std::task::{Context, Poll, ready};

/// How often an attempt is repeated before other tasks run.
const ATTEMPTS_PER_POLL: usize = 1024;

/// Repeats attempts until one has a result for the caller.
///
/// `Interrupted` is retried. After `WouldBlock`, `blocked` returns `Pending` if the waker is
/// registered, or `Ready` to try again.
#[inline]
pub(crate) fn poll_attempts<T>(
    cx: &mut Context<'_>,
    mut attempt: impl FnMut(&mut Context<'_>) -> io::Result<T>,
    mut blocked: impl FnMut(&mut Context<'_>) -> Poll<io::Result<()>>,
) -> Poll<io::Result<T>> {
    for _ in 0..ATTEMPTS_PER_POLL {
        match attempt(cx) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(blocked(cx))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return Poll::Ready(answer),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// [`poll_attempts`] at a Tokio transport, which has registered the waker when it would block.
#[inline]
pub(crate) fn poll_attempt<T>(
    cx: &mut Context<'_>,
    attempt: impl FnMut(&mut Context<'_>) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    poll_attempts(cx, attempt, |_| Poll::Pending)
}
