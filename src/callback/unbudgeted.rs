//! Polls outside of the cooperative budget of a task.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

/// Calls `poll` outside of the cooperative budget of the task ([`tokio::task::coop`]).
///
/// Once the budget is spent, sockets, timers and channels of Tokio return `Pending` without looking,
/// and register no waker: they only make the task run again. Code that takes `Pending` for "nothing has
/// arrived", or that remembers that its waker is registered and does not poll again, has to call them
/// through this function. Its work must be bounded by something else.
pub(crate) fn unbudgeted<T>(
    cx: &mut Context<'_>,
    poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    pin!(tokio::task::unconstrained(poll_fn(poll))).poll(cx)
}
