//! A stream that is used by attempts, with waits between them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pollback::TlsStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::carrier::Io;
use super::makes::Stream;

/// Reads and writes by attempts; flushes and shutdowns are those of the stream.
pub(super) struct Attempting(pub(super) TlsStream<Io>);

/// Does the same with the stream of whichever side.
macro_rules! on_either {
    ($attempting:expr, $stream:ident => $do:expr) => {
        match &mut $attempting.get_mut().0 {
            TlsStream::Client($stream) => $do,
            TlsStream::Server($stream) => $do,
        }
    };
}

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

impl AsyncRead for Attempting {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_either!(self, stream => poll_attempts!(stream.poll_read_ready(cx), {
            let read = stream.try_read(buf.initialize_unfilled());
            read.map(|length| buf.advance(length))
        }))
    }
}

impl AsyncWrite for Attempting {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        on_either!(self, stream => poll_attempts!(stream.poll_write_ready(cx), stream.try_write(buf)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_either!(self, stream => poll_attempts!(
            stream.poll_write_ready(cx),
            stream.try_write_vectored(bufs)
        ))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

impl Stream for Attempting {
    fn update_keys(&mut self) {
        self.0.update_keys();
    }

    fn take_early(&mut self) -> Vec<u8> {
        self.0.take_early()
    }
}
