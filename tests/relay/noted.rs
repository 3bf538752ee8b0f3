//! A stream in a relay that records how the relay has left it.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pollback::relay::Endpoint;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that records whether it was aborted.
pub(crate) struct Noted<S> {
    stream: S,
    aborted: Rc<Cell<bool>>,
}

impl<S> Noted<S> {
    pub(crate) fn new(stream: S) -> (Self, Rc<Cell<bool>>) {
        let aborted = Rc::new(Cell::new(false));
        let noted = Self {
            stream,
            aborted: Rc::clone(&aborted),
        };
        (noted, aborted)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Endpoint for Noted<S> {
    fn abort(&mut self) {
        self.aborted.set(true);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
