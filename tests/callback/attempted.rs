//! A transport that makes attempts at another one: poll to attempt to poll.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use pollback::callback::{Attempt, CallbackIo, Polled};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A transport that creates a new `Attempt` in every poll.
pub(crate) struct Attempted<T>(pub(crate) T);

impl<T: AsyncRead + AsyncWrite + Unpin> Attempted<T> {
    fn with<R>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut CallbackIo<Attempt<'_, '_, T>, Polled>>, &mut Context<'_>) -> R,
    ) -> R {
        let waker = cx.waker().clone();
        let mut context = Context::from_waker(&waker);
        let attempt = Attempt::new(Pin::new(&mut self.0), &mut context);
        poll(Pin::new(&mut CallbackIo::new(attempt, Polled)), cx)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Attempted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(cx, |io, cx| io.poll_read(cx, buf))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Attempted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(cx, |io, cx| io.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(cx, |io, cx| io.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(cx, |io, cx| io.poll_shutdown(cx))
    }
}
