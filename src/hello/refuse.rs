//! Refusing a connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::Alert;
use crate::stream::PendingAlert;

/// Sends an alert to the client, and resolves to the transport. Returned by
/// [`Incoming::refuse`](super::Incoming::refuse).
///
/// It resolves once the alert was sent and flushed, or cannot be sent. What the client had sent by
/// then is read and discarded: otherwise closing the transport could make the kernel send a reset
/// that overtakes the alert.
///
/// # Cancel safety
///
/// Dropping it drops the transport, with the alert sent in part or not at all. There is no timeout:
/// wrap it in `tokio::time::timeout`.
///
/// # Panics
///
/// If it is polled again after it has resolved.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Refuse<IO> {
    alert: PendingAlert,
    io: Option<IO>,
}

impl<IO> Refuse<IO> {
    pub(super) fn new(io: IO, alert: Alert) -> Self {
        Self {
            alert: PendingAlert::new(alert),
            io: Some(io),
        }
    }
}

impl<IO> Future for Refuse<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = IO;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<IO> {
        let this = self.get_mut();
        if let Some(io) = &mut this.io {
            ready!(this.alert.poll_deliver(io, cx));
        }
        let io = this.io.take();
        Poll::Ready(io.expect("`Refuse` polled after completion"))
    }
}

impl<IO: fmt::Debug> fmt::Debug for Refuse<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refuse")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
