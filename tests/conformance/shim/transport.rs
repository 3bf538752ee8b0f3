//! The transport of a stream, and how it is used.

use std::io::{self, IoSlice};
use std::net;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pollback::Options;
use tokio::io::{AsyncRead, AsyncWrite, BufStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A variation of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    None,
    /// The transport moves one byte per attempt.
    Bytewise,
    /// The transport buffers, and passes bytes on when it is flushed.
    Buffered,
    /// If a connection fails, its socket is closed at once.
    Dropped,
    /// Writes are batched.
    Batches,
    /// Two tasks, on two threads, use the two halves of the stream.
    Split,
    /// The same with the stream's own halves.
    Halves,
}

impl Variant {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "bytewise" => Self::Bytewise,
            "buffered" => Self::Buffered,
            "dropped" => Self::Dropped,
            "batches" => Self::Batches,
            "split" => Self::Split,
            "halves" => Self::Halves,
            _ => return None,
        })
    }

    /// The options of the stream.
    pub(crate) fn options(self) -> Options {
        match self {
            Self::Batches => Options::new().with_batched_writes(true),
            _ => Options::new(),
        }
    }

    pub(crate) fn transport(self, socket: net::TcpStream) -> io::Result<Transport> {
        socket.set_nonblocking(true)?;
        let socket = TcpStream::from_std(socket)?;
        Ok(match self {
            Self::Bytewise => Transport::Bytewise(socket),
            Self::Buffered => Transport::Buffered(Box::new(BufStream::new(socket))),
            _ => Transport::Socket(socket),
        })
    }
}

/// A socket in one of the variants above.
pub(crate) enum Transport {
    Socket(TcpStream),
    Bytewise(TcpStream),
    Buffered(Box<BufStream<TcpStream>>),
}

impl Transport {
    pub(crate) fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        match self {
            Self::Socket(socket) => socket.into_split(),
            _ => unreachable!("streams with halves of their own are over sockets"),
        }
    }

    pub(crate) fn unsplit(reader: OwnedReadHalf, writer: OwnedWriteHalf) -> Self {
        match reader.reunite(writer) {
            Ok(socket) => Self::Socket(socket),
            Err(_) => unreachable!("they are halves of one socket"),
        }
    }
}

/// Calls a method of the inner transport.
macro_rules! delegate {
    ($transport:expr, $method:ident($($argument:expr),*)) => {
        match $transport {
            Transport::Socket(socket) | Transport::Bytewise(socket) => {
                Pin::new(socket).$method($($argument),*)
            }
            Transport::Buffered(buffered) => Pin::new(buffered).$method($($argument),*),
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let length = match this {
            Self::Bytewise(_) => buf.remaining().min(1),
            _ => return delegate!(this, poll_read(cx, buf)),
        };
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte[..length]);
        ready!(delegate!(this, poll_read(cx, &mut one)))?;
        buf.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = match this {
            Self::Bytewise(_) => buf.len().min(1),
            _ => buf.len(),
        };
        delegate!(this, poll_write(cx, &buf[..length]))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Self::Bytewise(_) = this {
            let first = bufs.iter().find(|slice| !slice.is_empty());
            return Pin::new(this).poll_write(cx, first.map_or(&[], |slice| slice));
        }
        delegate!(this, poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        !matches!(self, Self::Bytewise(_))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), poll_shutdown(cx))
    }
}
