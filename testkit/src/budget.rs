//! Polls with little of the cooperative budget left that tokio gives a task for each poll. Need a
//! runtime.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::coop::{has_budget_remaining, poll_proceed};
use tokio::task::yield_now;

/// More than any test needs: one that is polled more often hangs.
const POLLS: usize = 1_000_000;

/// Polls `future` once with `left` units of budget.
pub async fn poll_with<F>(left: usize, future: &mut F) -> Poll<F::Output>
where
    F: Future + Unpin,
{
    let whole = whole().await;
    poll_fn(|cx| {
        spend(whole, left, cx);
        Poll::Ready(pin!(&mut *future).poll(cx))
    })
    .await
}

/// Drives `future` to completion, with `left` units of budget in each poll.
pub async fn run_with<F: Future>(left: usize, future: F) -> F::Output {
    let mut future = pin!(future);
    let whole = whole().await;
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        assert!(polls < POLLS, "it is polled again and again");
        spend(whole, left, cx);
        future.as_mut().poll(cx)
    })
    .await
}

/// Returns the budget of a poll, and continues in a new one.
async fn whole() -> usize {
    yield_now().await;
    let mut whole = 0;
    poll_fn(|cx| {
        while let Poll::Ready(proceed) = poll_proceed(cx) {
            proceed.made_progress();
            whole += 1;
            assert!(whole < 100_000, "the budget has no limit");
        }
        Poll::Ready(())
    })
    .await;
    yield_now().await;
    whole
}

fn spend(whole: usize, left: usize, cx: &mut Context<'_>) {
    for _ in left..whole {
        if let Poll::Ready(proceed) = poll_proceed(cx) {
            proceed.made_progress();
        }
    }
    assert_eq!(has_budget_remaining(), left > 0);
}
