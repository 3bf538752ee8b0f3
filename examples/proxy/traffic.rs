//! Counts the bytes moved by one connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use pollback::relay::{Endpoint, Moved, Relay, RelayError};
use prometheus::IntCounter;

/// The bytes of one connection, which are also added to the totals.
pub(crate) struct Traffic {
    pub(crate) moved: Moved,
    to_backend: IntCounter,
    to_client: IntCounter,
}

impl Traffic {
    /// Adds to the totals of both directions.
    pub(crate) fn new(to_backend: IntCounter, to_client: IntCounter) -> Self {
        Self {
            moved: Moved::default(),
            to_backend,
            to_client,
        }
    }

    /// Polls a relay, and records the bytes it has moved.
    pub(crate) fn poll<C: Endpoint, B: Endpoint>(
        &mut self,
        relay: &mut Relay<C, B>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Moved, RelayError>> {
        let ended = Pin::new(&mut *relay).poll(cx);
        let moved = relay.moved();
        let before = self.moved;
        self.to_backend.inc_by(moved.to_backend - before.to_backend);
        self.to_client.inc_by(moved.to_client - before.to_client);
        self.moved = moved;
        ended
    }
}
