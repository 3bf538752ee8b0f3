//! A transport from which bytes are read again.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport from which bytes that were read already are read again.
///
/// Reads return those bytes first, and then read from the transport. Writes go to the transport.
///
/// ```
/// use pollback::hello::Rewind;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (mut client, mut transport) = tokio::io::duplex(64);
/// client.write_all(b"hello world").await.unwrap();
/// drop(client);
/// let mut first = vec![0; 5];
/// transport.read_exact(&mut first).await.unwrap();
///
/// let mut rewind = Rewind::new(first, transport);
/// let mut all = String::new();
/// rewind.read_to_string(&mut all).await.unwrap();
/// assert_eq!(all, "hello world");
/// # });
/// ```
#[derive(Debug)]
pub struct Rewind<IO> {
    bytes: Vec<u8>,
    /// How many of the bytes were read again.
    read: usize,
    io: IO,
}

impl<IO> Rewind<IO> {
    /// Creates a transport whose reads return `bytes` before those of `io`.
    pub fn new(bytes: Vec<u8>, io: IO) -> Self {
        Self { bytes, read: 0, io }
    }

    /// Returns the bytes that will be read before those of the transport.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.read..]
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Returns a mutable reference to the transport. Bytes that are read from it here are missing from
    /// later reads.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// Returns the bytes that were not read again yet, and the transport.
    pub fn into_parts(mut self) -> (Vec<u8>, IO) {
        self.bytes.drain(..self.read);
        (self.bytes, self.io)
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Rewind<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.bytes.is_empty() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        let rest = this.bytes();
        let read = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..read]);
        this.read += read;
        if this.read == this.bytes.len() {
            // Frees the memory, since the connection may last.
            this.bytes = Vec::new();
            this.read = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Rewind<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(unix)]
mod descriptor {
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    use super::Rewind;

    /// The descriptor of the transport, which does not contain the bytes that are read again.
    impl<IO: AsFd> AsFd for Rewind<IO> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.io.as_fd()
        }
    }

    impl<IO: AsRawFd> AsRawFd for Rewind<IO> {
        fn as_raw_fd(&self) -> RawFd {
            self.io.as_raw_fd()
        }
    }
}

#[cfg(windows)]
mod socket {
    use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

    use super::Rewind;

    /// The socket of the transport, which does not contain the bytes that are read again.
    impl<IO: AsSocket> AsSocket for Rewind<IO> {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.io.as_socket()
        }
    }

    impl<IO: AsRawSocket> AsRawSocket for Rewind<IO> {
        fn as_raw_socket(&self) -> RawSocket {
            self.io.as_raw_socket()
        }
    }
}
