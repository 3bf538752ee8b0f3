//! A clock that can be put forward.

use std::sync::atomic::{AtomicU64, Ordering};

use rustls::pki_types::UnixTime;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};

/// The time of the system, and some seconds more.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead: AtomicU64,
}

impl Clock {
    pub(super) fn advance(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let now = DefaultTimeProvider.current_time()?.as_secs();
        let then = now + self.ahead.load(Ordering::Relaxed);
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            then,
        )))
    }
}
