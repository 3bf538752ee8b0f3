//! Watchdogs.

use std::time::Duration;

use tokio::time::timeout;

/// Awaits `future`, and panics if it takes longer than `limit`.
pub(crate) async fn bounded<F: Future>(limit: Duration, what: &str, future: F) -> F::Output {
    match timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what} takes more than {limit:?}"),
    }
}
