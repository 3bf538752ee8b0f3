//! The stream of a client or a server.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::CommonState;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::{client, server};

/// The TLS stream of a client or a server, for code that handles both.
#[derive(Debug)]
pub enum TlsStream<T> {
    /// The stream of a client.
    Client(client::TlsStream<T>),
    /// The stream of a server.
    Server(server::TlsStream<T>),
}

/// Evaluates the expression with the stream of whichever side.
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
    /// As there.
    pub async fn close(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.close().await)
    }

    /// Completes the handshake of a stream that was returned before that.
    ///
    /// See [`stream::TlsStream::finish_handshake`](crate::stream::TlsStream::finish_handshake).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn finish_handshake(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.finish_handshake().await)
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
