//! What a task does without cooperative budget.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::{coop, unconstrained};

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
    pin!(unconstrained(poll_fn(poll))).poll(cx)
}

/// Returns whether a `Pending` can mean only that the budget is spent. The task then runs again.
pub(crate) fn is_starved(cx: &Context<'_>) -> bool {
    let is_starved = !coop::has_budget_remaining();
    if is_starved {
        cx.waker().wake_by_ref();
    }
    is_starved
}
