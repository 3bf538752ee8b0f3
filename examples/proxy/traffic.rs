//! How much has moved, and when it last did.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::IntCounter;
use tokio::time::{Instant, sleep_until};

/// The bytes of one connection.
pub(crate) struct Traffic {
    pub(crate) to_backend: Flow,
    pub(crate) to_client: Flow,
    start: Instant,
    /// When bytes last moved, in nanoseconds from the start.
    last: AtomicU64,
}

/// The bytes that have gone in one direction.
pub(crate) struct Flow {
    bytes: AtomicU64,
    /// Those of all connections.
    total: IntCounter,
}

impl Traffic {
    /// Adds what moves to the totals of both directions as well.
    pub(crate) fn new(to_backend: IntCounter, to_client: IntCounter) -> Self {
        let flow = |total| Flow {
            bytes: AtomicU64::new(0),
            total,
        };
        Self {
            to_backend: flow(to_backend),
            to_client: flow(to_client),
            start: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    /// Notes that bytes have moved in one of the directions.
    pub(crate) fn note(&self, flow: &Flow, bytes: usize) {
        let bytes = bytes as u64;
        flow.bytes.fetch_add(bytes, Ordering::Relaxed);
        flow.total.inc_by(bytes);
        let now = self.start.elapsed().as_nanos() as u64;
        self.last.store(now, Ordering::Relaxed);
    }

    /// Waits until nothing has moved for so long.
    pub(crate) async fn idle(&self, limit: Duration) {
        loop {
            let last = Duration::from_nanos(self.last.load(Ordering::Relaxed));
            let deadline = self.start + last + limit;
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }
}

impl Flow {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}
