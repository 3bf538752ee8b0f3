//! What a relay requires of its streams.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::either;
use crate::engine::Engine;
use crate::hello::Rewind;
#[cfg(feature = "listener")]
use crate::listener::Connection;
use crate::stream::TlsStream;

/// One of the two streams of a [`Relay`](super::Relay).
///
/// Implemented by TCP and Unix sockets, by references and boxes, and by the streams of this crate over
/// any of these. [`AbortByDrop`] makes any other stream an endpoint.
pub trait Endpoint: AsyncRead + AsyncWrite + Unpin {
    /// Prepares for a drop that the peer must not mistake for the end of the stream.
    ///
    /// A dropped TCP socket sends a FIN, which looks like a complete stream; here it is configured to
    /// send a reset instead. A TLS stream has nothing to do, since without a close_notify it is
    /// truncated.
    fn abort(&mut self);

    /// Returns whether the end of the stream is reliable, also after writes have failed.
    ///
    /// With TLS it is, since the end is authenticated. A socket reports a reset only once: after a
    /// write that has failed with it, a read may return 0.
    fn is_end_authenticated(&self) -> bool {
        false
    }
}

impl Endpoint for TcpStream {
    fn abort(&mut self) {
        // Fails if the socket is already closed.
        let _ = SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }
}

/// A Unix socket cannot send a reset: unless bytes were left unread, its peer sees an end of
/// stream.
#[cfg(unix)]
impl Endpoint for tokio::net::UnixStream {
    fn abort(&mut self) {}
}

impl<IO, C> Endpoint for TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    fn abort(&mut self) {}

    fn is_end_authenticated(&self) -> bool {
        true
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Endpoint for either::TlsStream<IO> {
    fn abort(&mut self) {}

    fn is_end_authenticated(&self) -> bool {
        true
    }
}

impl<IO: Endpoint> Endpoint for Rewind<IO> {
    fn abort(&mut self) {
        self.get_mut().abort();
    }

    fn is_end_authenticated(&self) -> bool {
        self.get_ref().is_end_authenticated()
    }
}

#[cfg(feature = "listener")]
impl<S: Endpoint, P, F> Endpoint for Connection<S, P, F> {
    fn abort(&mut self) {
        self.get_mut().abort();
    }

    fn is_end_authenticated(&self) -> bool {
        self.get_ref().is_end_authenticated()
    }
}

impl<S: Endpoint + ?Sized> Endpoint for &mut S {
    fn abort(&mut self) {
        (**self).abort();
    }

    fn is_end_authenticated(&self) -> bool {
        (**self).is_end_authenticated()
    }
}

impl<S: Endpoint + ?Sized> Endpoint for Box<S> {
    fn abort(&mut self) {
        (**self).abort();
    }

    fn is_end_authenticated(&self) -> bool {
        (**self).is_end_authenticated()
    }
}

/// A wrapper that makes any stream an [`Endpoint`], which is aborted by dropping it.
///
/// Implement [`Endpoint`] instead for a stream whose drop looks like the end of the stream.
#[derive(Clone, Copy, Debug)]
pub struct AbortByDrop<S>(pub S);

impl<S: AsyncRead + AsyncWrite + Unpin> Endpoint for AbortByDrop<S> {
    fn abort(&mut self) {}
}

impl<S: AsyncRead + Unpin> AsyncRead for AbortByDrop<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AbortByDrop<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
