//! Sources of transports.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use super::SocketOptions;

/// A transport and the address of its peer, or an error.
pub type Arrival<IO, P> = io::Result<(IO, P)>;

/// Accepts transports, one after another.
///
/// Implemented for Tokio's listeners, and by [`Transports`] for any stream of transports.
pub trait Listener {
    /// The transport.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The address of a peer.
    type Peer: Send + 'static;

    /// Accepts a transport. Returns `None` if there will be no more.
    ///
    /// # Errors
    ///
    /// If the transport is unusable, or accepting failed. The listener reports the error and continues,
    /// after a backoff if accepting failed.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arrival<Self::Io, Self::Peer>>>;

    /// Returns the address where transports are accepted.
    ///
    /// # Errors
    ///
    /// `Unsupported` unless overridden.
    fn local_addr(&self) -> io::Result<Self::Peer> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Applies settings to a transport that was accepted. Does nothing unless overridden: only TCP
    /// has these settings.
    ///
    /// # Errors
    ///
    /// If the transport cannot be used. It is closed and reported as failed.
    fn configure(&self, io: &Self::Io, options: &SocketOptions) -> io::Result<()> {
        let _ = (io, options);
        Ok(())
    }
}

impl Listener for TcpListener {
    type Io = TcpStream;
    type Peer = SocketAddr;

    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Arrival<TcpStream, SocketAddr>>> {
        Self::poll_accept(self, cx).map(Some)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }

    fn configure(&self, io: &TcpStream, options: &SocketOptions) -> io::Result<()> {
        options.apply(io)
    }
}

#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;
    type Peer = tokio::net::unix::SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arrival<Self::Io, Self::Peer>>> {
        Self::poll_accept(self, cx).map(Some)
    }

    fn local_addr(&self) -> io::Result<Self::Peer> {
        Self::local_addr(self)
    }
}

/// A stream of transports, each with the address of its peer, as a [`Listener`].
#[derive(Debug)]
pub struct Transports<S>(pub S);

impl<S, IO, P> Listener for Transports<S>
where
    S: Stream<Item = Arrival<IO, P>> + Unpin,
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Send + 'static,
{
    type Io = IO;
    type Peer = P;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}
