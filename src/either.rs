//! The stream of a client or a server.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "bytes")]
use bytes::BufMut;
use rustls::CommonState;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
#[cfg(any(feature = "fd", feature = "listener"))]
use tokio::io::{Interest, Ready};

use crate::{client, server};

/// The TLS stream of a client or a server, for code that handles both.
///
/// Each operation is that of the inner stream: see [`stream::TlsStream`](crate::stream::TlsStream).
/// Code that is generic over the side names [`TlsConnection`](crate::stream::TlsConnection)
/// instead.
///
/// ```
/// use pollback::{TlsAcceptor, TlsConnector, TlsStream};
/// use std::io;
/// use tokio::net::TcpStream;
///
/// /// Between equal peers, the one with the lower address is the client.
/// async fn meet(
///     connector: &TlsConnector,
///     acceptor: &TlsAcceptor,
///     tcp: TcpStream,
/// ) -> io::Result<TlsStream<TcpStream>> {
///     if tcp.local_addr()? < tcp.peer_addr()? {
///         let name = tcp.peer_addr()?.ip().into();
///         Ok(connector.connect(name, tcp).await?.into())
///     } else {
///         Ok(acceptor.accept(tcp).await?.into())
///     }
/// }
/// ```
#[derive(Debug)]
pub enum TlsStream<T> {
    /// The stream of a client.
    Client(client::TlsStream<T>),
    /// The stream of a server.
    Server(server::TlsStream<T>),
}

/// Evaluates the expression with the inner stream of either side.
macro_rules! on_either {
    ($either:expr, $stream:ident => $do:expr) => {
        match $either {
            TlsStream::Client($stream) => $do,
            TlsStream::Server($stream) => $do,
        }
    };
}

impl<T> TlsStream<T> {
    /// Returns the transport and the part of the connection that both sides have.
    pub fn get_ref(&self) -> (&T, &CommonState) {
        on_either!(self, stream => {
            let (io, connection) = stream.get_ref();
            (io, connection)
        })
    }

    /// Returns mutable references to the transport and the part of the connection that both sides
    /// have.
    ///
    /// Bytes that are read from or written to the transport here are missing from the stream.
    pub fn get_mut(&mut self) -> (&mut T, &mut CommonState) {
        on_either!(self, stream => {
            let (io, connection) = stream.get_mut();
            (io, connection)
        })
    }
}

impl<T> TlsStream<T> {
    /// Returns how many of the bytes that were read came as early data.
    ///
    /// See [`stream::TlsStream::early_data_read`](crate::stream::TlsStream::early_data_read).
    pub fn early_data_read(&self) -> usize {
        on_either!(self, stream => stream.early_data_read())
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> TlsStream<T> {
    /// Shuts down, then reads and discards what the peer still sends, until the peer has closed too.
    ///
    /// See [`stream::TlsStream::close`](crate::stream::TlsStream::close).
    ///
    /// # Errors
    ///
    /// As for that method.
    ///
    /// # Cancel safety
    ///
    /// As for that method.
    pub async fn close(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.close().await)
    }

    /// Completes the handshake of a stream that was returned before the handshake was complete.
    ///
    /// See [`stream::TlsStream::finish_handshake`](crate::stream::TlsStream::finish_handshake).
    ///
    /// # Errors
    ///
    /// As for that method.
    ///
    /// # Cancel safety
    ///
    /// As for that method.
    pub async fn finish_handshake(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.finish_handshake().await)
    }

    /// Ends TLS in both directions and leaves the transport open.
    ///
    /// See [`stream::TlsStream::end_tls`](crate::stream::TlsStream::end_tls).
    ///
    /// # Errors
    ///
    /// As for that method.
    ///
    /// # Cancel safety
    ///
    /// As for that method.
    pub async fn end_tls(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.end_tls().await)
    }

    /// Returns the transport after the end of TLS.
    ///
    /// See [`stream::TlsStream::into_transport`](crate::stream::TlsStream::into_transport).
    ///
    /// # Errors
    ///
    /// As for that method, with the unchanged stream.
    #[expect(
        clippy::result_large_err,
        reason = "the stream is returned where it was"
    )]
    pub fn into_transport(self) -> Result<T, (io::Error, Self)> {
        on_either!(self, stream => {
            stream.into_transport().map_err(|(error, stream)| (error, stream.into()))
        })
    }
}

/// Operations that never wait: see those of
/// [`stream::TlsStream`](crate::stream::TlsStream#method.try_read).
impl<T: AsyncRead + AsyncWrite + Unpin> TlsStream<T> {
    /// Makes one attempt to read into `buf`, and returns how many bytes it has read.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if no plaintext has arrived. Otherwise as for every read.
    pub fn try_read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        on_either!(self, stream => stream.try_read(buf))
    }

    /// Makes one attempt to read into `buf`, as much as it has room for, and returns how many bytes
    /// it has read.
    ///
    /// # Errors
    ///
    /// As for [`try_read`](Self::try_read).
    #[cfg(feature = "bytes")]
    #[cfg_attr(docsrs, doc(cfg(feature = "bytes")))]
    pub fn try_read_buf<B: BufMut>(&mut self, buf: &mut B) -> io::Result<usize> {
        on_either!(self, stream => stream.try_read_buf(buf))
    }

    /// Makes one attempt to write `buf`, and returns how many of its bytes were accepted.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if no byte can be accepted. Otherwise as for every write.
    pub fn try_write(&mut self, buf: &[u8]) -> io::Result<usize> {
        on_either!(self, stream => stream.try_write(buf))
    }

    /// Makes one attempt to write the slices in order, and returns how many of their bytes were
    /// accepted.
    ///
    /// # Errors
    ///
    /// As for [`try_write`](Self::try_write).
    pub fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        on_either!(self, stream => stream.try_write_vectored(bufs))
    }

    /// Waits until an attempt to read can return something: bytes, the end, or an error.
    ///
    /// # Errors
    ///
    /// None of its own: a failure is returned by the next read.
    ///
    /// # Cancel safety
    ///
    /// Nothing is read, so nothing is lost.
    pub async fn readable(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.readable().await)
    }

    /// Waits until an attempt to write can return something.
    ///
    /// # Errors
    ///
    /// None of its own: a failure is returned by the next write.
    ///
    /// # Cancel safety
    ///
    /// Nothing is written, so nothing is lost.
    pub async fn writable(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.writable().await)
    }

    /// Waits for the readiness that `interest` names, and returns the part of it that is ready.
    /// Needs the feature `fd` or `listener`, which enable these types of Tokio.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if `interest` names neither reading nor writing.
    ///
    /// # Cancel safety
    ///
    /// Nothing is read or written, so nothing is lost.
    #[cfg(any(feature = "fd", feature = "listener"))]
    pub async fn ready(&mut self, interest: Interest) -> io::Result<Ready> {
        on_either!(self, stream => stream.ready(interest).await)
    }

    /// Polls for what [`readable`](Self::readable) waits for.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, stream => stream.poll_read_ready(cx))
    }

    /// Polls for what [`writable`](Self::writable) waits for.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self, stream => stream.poll_write_ready(cx))
    }
}

impl<T> From<client::TlsStream<T>> for TlsStream<T> {
    fn from(stream: client::TlsStream<T>) -> Self {
        Self::Client(stream)
    }
}

impl<T> From<server::TlsStream<T>> for TlsStream<T> {
    fn from(stream: server::TlsStream<T>) -> Self {
        Self::Server(stream)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncBufRead for TlsStream<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_fill_buf(cx))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        on_either!(self.get_mut(), stream => Pin::new(stream).consume(amount));
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        on_either!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}

#[cfg(unix)]
mod descriptor {
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    use super::TlsStream;

    impl<T: AsFd> AsFd for TlsStream<T> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.get_ref().0.as_fd()
        }
    }

    impl<T: AsRawFd> AsRawFd for TlsStream<T> {
        fn as_raw_fd(&self) -> RawFd {
            self.get_ref().0.as_raw_fd()
        }
    }
}

#[cfg(windows)]
mod socket {
    use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

    use super::TlsStream;

    impl<T: AsSocket> AsSocket for TlsStream<T> {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.get_ref().0.as_socket()
        }
    }

    impl<T: AsRawSocket> AsRawSocket for TlsStream<T> {
        fn as_raw_socket(&self) -> RawSocket {
            self.get_ref().0.as_raw_socket()
        }
    }
}
