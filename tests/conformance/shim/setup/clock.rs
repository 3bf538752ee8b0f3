//! A clock that can be advanced.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pollback::next::rustls as next;
use rustls::pki_types::UnixTime;

/// The system time plus an offset in seconds.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead: AtomicU64,
}

impl Clock {
    pub(super) fn advance(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
    }

    fn time(&self) -> UnixTime {
        let ahead = self.ahead.load(Ordering::Relaxed);
        UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs() + ahead))
    }
}

impl rustls::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.time())
    }
}

impl next::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.time())
    }
}
