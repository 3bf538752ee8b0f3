//! A stream that is used with `try_read` and `try_write`, with waits between them.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use pollback::TlsStream;
#[cfg(all(feature = "bytes", any(feature = "fd", feature = "listener")))]
use tokio::io::Interest;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::carrier::Io;
use super::streams::{Ours, Stream};

/// Reads and writes with attempts; flushes and shutdowns are those of the stream.
pub(super) struct Attempting(pub(super) TlsStream<Io>);

/// Makes attempts until one does not block, and waits before each.
macro_rules! poll_attempts {
    ($wait:expr, $attempt:expr) => {
        loop {
            ready!($wait)?;
            match $attempt {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    };
}

/// Waits for the readiness of an attempt; each poll creates a new future.
macro_rules! wait {
    ($wait:expr, $cx:expr) => {
        pin!($wait).poll($cx).map_ok(drop)
    };
}

impl AsyncRead for Attempting {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = &mut self.get_mut().0;
        poll_attempts!(stream.poll_read_ready(cx), {
            let read = stream.try_read(buf.initialize_unfilled());
            read.map(|length| buf.advance(length))
        })
    }
}

impl AsyncWrite for Attempting {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let stream = &mut self.get_mut().0;
        poll_attempts!(stream.poll_write_ready(cx), stream.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = &mut self.get_mut().0;
        poll_attempts!(
            wait!(stream.writable(), cx),
            stream.try_write_vectored(bufs)
        )
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

impl Ours for Attempting {
    fn update_keys(&mut self) {
        Ours::update_keys(&mut self.0);
    }

    fn poll_borrow(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<Vec<u8>>> {
        let mut bytes = Vec::new();
        ready!(self.poll_read_buf(cx, &mut BufMut::limit(&mut bytes, room)))?;
        Poll::Ready(Ok(bytes))
    }

    fn rebuilt(self) -> Self {
        Self(Ours::rebuilt(self.0))
    }

    fn adopted(self) -> Self {
        Self(Ours::adopted(self.0))
    }

    fn poll_end_tls(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Ours::poll_end_tls(&mut self.0, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Ours::poll_close(&mut self.0, cx)
    }

    fn poll_finish_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Ours::poll_finish_handshake(&mut self.0, cx)
    }

    fn clear(self) -> Box<dyn Stream> {
        Ours::clear(self.0)
    }
}

#[cfg(all(feature = "bytes", any(feature = "fd", feature = "listener")))]
impl Attempting {
    fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        let stream = &mut self.0;
        poll_attempts!(
            wait!(stream.ready(Interest::READABLE), cx),
            stream.try_read_buf(buf)
        )
    }
}

/// Without the features for these attempts, reads like the other stream.
#[cfg(not(all(feature = "bytes", any(feature = "fd", feature = "listener"))))]
impl Attempting {
    fn poll_read_buf(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut impl BufMut,
    ) -> Poll<io::Result<usize>> {
        let mut bytes = vec![0; buf.remaining_mut().min(64 * 1024)];
        let mut bytes = ReadBuf::new(&mut bytes);
        ready!(Pin::new(self).poll_read(cx, &mut bytes))?;
        buf.put_slice(bytes.filled());
        Poll::Ready(Ok(bytes.filled().len()))
    }
}
