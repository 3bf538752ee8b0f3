//! Handshakes that established connections do not feel.
//!
//! A step of a handshake may compute for as long as a whole request takes elsewhere. When many
//! clients come at once, tokio's queue, which is first in, first out, fills with such steps, and
//! everything else waits behind all of them. So a step waits for a permit, of which there is one for
//! each worker thread, outside of that queue; and then lets the worker poll for I/O and run what
//! became ready, before it computes.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// Runs `work`, with a permit for each of its polls.
///
/// Between its polls it holds none: who waits for a client keeps nobody out.
pub(super) async fn paced<F: Future>(permits: &Semaphore, mut work: Pin<&mut F>) -> F::Output {
    loop {
        let permit = match permits.try_acquire() {
            Ok(permit) => Ok(permit),
            // Boxed, so that those who wait for their clients do without the space.
            Err(_) => Box::pin(permits.acquire()).await,
        };
        // The worker polls its driver before it comes back to this task.
        yield_now().await;
        let step = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        drop(permit);
        if let Poll::Ready(output) = step {
            return output;
        }
        woken().await;
    }
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
