//! A transport that counts attempts.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Attempts of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attempts {
    pub(crate) made: u64,
    /// The number that would have blocked.
    pub(crate) pending: u64,
    pub(crate) bytes: u64,
}

impl Attempts {
    fn made(&mut self, answer: &Poll<io::Result<usize>>) {
        self.made += 1;
        match answer {
            Poll::Pending => self.pending += 1,
            Poll::Ready(Ok(bytes)) => self.bytes += *bytes as u64,
            Poll::Ready(Err(_)) => {}
        }
    }
}

/// Attempts of every kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) read: Attempts,
    pub(crate) write: Attempts,
    pub(crate) write_vectored: Attempts,
    pub(crate) flush: Attempts,
}

/// A transport, with counters.
#[derive(Debug)]
pub(crate) struct Counting<T> {
    transport: T,
    counts: Counts,
}

impl<T> Counting<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            counts: Counts::default(),
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counting<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let answer = Pin::new(&mut self.transport)
            .poll_read(cx, buffer)
            .map_ok(|()| buffer.filled().len() - before);
        self.counts.read.made(&answer);
        ready!(answer)?;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counting<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let answer = Pin::new(&mut self.transport).poll_write(cx, bytes);
        self.counts.write.made(&answer);
        answer
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let answer = Pin::new(&mut self.transport).poll_write_vectored(cx, slices);
        self.counts.write_vectored.made(&answer);
        answer
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answer = Pin::new(&mut self.transport).poll_flush(cx).map_ok(|()| 0);
        self.counts.flush.made(&answer);
        ready!(answer)?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
