//! Polls with little of the cooperative budget left that tokio gives a task for each poll. Need a
//! runtime.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::{coop::poll_proceed, yield_now};

/// The whole budget of a poll.
pub const BUDGET: usize = 128;

/// Polls `future` once with `left` units of budget.
pub async fn poll_with<F>(left: usize, future: &mut F) -> Poll<F::Output>
where
    F: Future + Unpin,
{
    // The task may have spent some of its budget in this poll.
    yield_now().await;
    poll_fn(|cx| {
        spend(BUDGET - left, cx);
        Poll::Ready(pin!(&mut *future).poll(cx))
    })
    .await
}

/// Drives `future` to completion, with `left` units of budget in each poll.
pub async fn run_with<F: Future>(left: usize, future: F) -> F::Output {
    let mut future = pin!(future);
    yield_now().await;
    poll_fn(|cx| {
        spend(BUDGET - left, cx);
        future.as_mut().poll(cx)
    })
    .await
}

fn spend(units: usize, cx: &mut Context<'_>) {
    for _ in 0..units {
        if let Poll::Ready(proceed) = poll_proceed(cx) {
            proceed.made_progress();
        }
    }
}
