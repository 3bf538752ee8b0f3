//! Refusing a connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::Alert;
use crate::stream::PendingAlert;

/// An alert on its way to the client; resolves to the transport. Made by
/// [`Incoming::refuse`](super::Incoming::refuse).
///
/// It resolves when the transport has taken and flushed the whole alert, or takes no more. What the
/// client had sent by then is read and dropped, so that closing the transport does not make the
/// kernel answer it with a reset that overtakes the alert.
///
/// # Cancel safety
///
/// Dropping it drops the transport, with the alert sent in part or not at all. Nothing bounds its
/// time: wrap it in `tokio::time::timeout`.
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
        Poll::Ready(io.expect("a alert was polled after it had resolved"))
    }
}

impl<IO: fmt::Debug> fmt::Debug for Refuse<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refuse")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
