//! What a listener gives.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
#[cfg(feature = "proxy-protocol")]
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::ending::{Guard, Half};
use crate::error::ErrorKind;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyHeader;

/// A connection that a listener has accepted: the stream, and who is at its other end.
///
/// Reads and writes are those of the stream, until the grace time of
/// [`Ending::drain`](super::Ending::drain) is over: then the stream is shut down, with the
/// close_notify of TLS, and both fail with [`ErrorKind::Ended`] (`ConnectionAborted`).
pub struct Connection<S, P, F> {
    stream: S,
    peer: Peer<P, F>,
    guard: Guard,
}

/// Who is at the other end of a connection, and what the handshake has settled.
///
/// With axum it is the `ConnectInfo` of a handler.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer<P, F> {
    /// Where the transport comes from.
    pub address: P,
    /// When the transport was accepted.
    pub since: Instant,
    /// What the handshake has settled.
    pub facts: F,
    /// What a trusted proxy says of the client.
    #[cfg(feature = "proxy-protocol")]
    pub proxy_header: Option<Arc<ProxyHeader>>,
}

impl<S, P, F> Connection<S, P, F> {
    pub(super) fn new(stream: S, peer: Peer<P, F>, guard: Guard) -> Self {
        Self {
            stream,
            peer,
            guard,
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer<P, F> {
        &self.peer
    }

    /// The stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream, to be used directly. What waits for it there is not woken at the end of the grace
    /// time.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream, and who is at the other end. The listener waits no more for this stream, nor
    /// closes it.
    pub fn into_parts(self) -> (S, Peer<P, F>) {
        (self.stream, self.peer)
    }
}

impl<S: AsyncWrite + Unpin, P, F> Connection<S, P, F> {
    fn poll_stream<T>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if !self.guard.is_closing() {
            let answer = poll(Pin::new(&mut self.stream), cx);
            if answer.is_ready() || !self.guard.park(half, cx.waker()) {
                return answer;
            }
        }
        self.poll_close(half, cx)
    }

    /// Shuts the stream down, whichever task comes to it, and then fails.
    fn poll_close<T>(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if Pin::new(&mut self.stream).poll_shutdown(cx).is_pending() {
            // The stream may wake only the task that asked last, and that one wakes the other.
            self.guard.park(half, cx.waker());
            return Poll::Pending;
        }
        self.guard.wake();
        // A stream that could not be shut down has ended all the same.
        Poll::Ready(Err(ErrorKind::Ended.into()))
    }
}

// Only the stream is ever pinned, and it can be moved.
impl<S: Unpin, P, F> Unpin for Connection<S, P, F> {}

impl<S: AsyncRead + AsyncWrite + Unpin, P, F> AsyncRead for Connection<S, P, F> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get_mut()
            .poll_stream(Half::Reader, cx, |stream, cx| stream.poll_read(cx, buf))
    }
}

impl<S: AsyncWrite + Unpin, P, F> AsyncWrite for Connection<S, P, F> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll_stream(Half::Writer, cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_stream(Half::Writer, cx, |stream, cx| {
            stream.poll_write_vectored(cx, bufs)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut()
            .poll_stream(Half::Writer, cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S: fmt::Debug, P: fmt::Debug, F: fmt::Debug> fmt::Debug for Connection<S, P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("stream", &self.stream)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
