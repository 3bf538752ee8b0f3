//! What the application writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::slices::Slices;
use super::waiters::Half;
use crate::engine::Engine;
use crate::error::ErrorKind;

/// How many slices of a vectored write are gathered into a record.
const SLICES: usize = 64;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Takes records one at a time, and no further one while an earlier one is still here: only
    /// then no more than one stays behind when the writer stops.
    fn poll_send<const SLICES: usize>(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.closed {
            return Poll::Ready(Err(ErrorKind::Closed.into()));
        }
        if let Some(error) = self.write_error.take() {
            return Poll::Ready(Err(error));
        }
        let mut slices = Slices::new(bufs);
        if slices.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut gathered = [IoSlice::new(&[]); SLICES];
        if self.early.is_some() {
            let early = ready!(self.poll_send_early(cx, slices.record(&mut gathered)))?;
            if early > 0 {
                return Poll::Ready(Ok(early));
            }
        }
        ready!(self.poll_established(Half::Writer, cx))?;

        let mut taken = 0;
        let stopped = loop {
            match self.poll_transmit(Half::Writer, cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => break Poll::Ready(error),
                Poll::Pending => break Poll::Pending,
            }
            if slices.is_empty() {
                return Poll::Ready(Ok(taken));
            }
            match self.connection.send(slices.record(&mut gathered)) {
                Ok(0) => break Poll::Ready(ErrorKind::Refused.into()),
                Ok(sent) => {
                    self.undelivered = true;
                    slices.advance(sent);
                    taken += sent;
                }
                Err(error) => break Poll::Ready(error),
            }
        };
        match stopped {
            Poll::Pending if taken == 0 => return Poll::Pending,
            Poll::Pending => {}
            Poll::Ready(error) if taken == 0 => return Poll::Ready(Err(error)),
            Poll::Ready(error) => self.write_error = Some(error),
        }
        // If the writer never comes back, a reader has to push the rest or to tell that it failed:
        // it waits for the transport's reads, and would not learn that it can.
        self.readers.wake(Half::Reader);
        Poll::Ready(Ok(taken))
    }

    /// Ready once plaintext can be sent and none of the early data is left to be sent again.
    pub(super) fn poll_established(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.connection.is_handshaking() {
            ready!(self.poll_handshake(half, cx))?;
        }
        if self.early.is_some() {
            ready!(self.poll_resend(half, cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO, C> AsyncWrite for TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send::<1>(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_send::<SLICES>(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(error) = this.write_error.take() {
            return Poll::Ready(Err(error));
        }
        ready!(this.poll_established(Half::Writer, cx))?;
        ready!(this.poll_transmit(Half::Writer, cx))?;
        ready!(this.poll_flush_transport(Half::Writer, cx))?;
        // Nothing to send, but a connection that has failed says so.
        this.connection.send(&[])?;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(error) = this.write_error.take() {
            return Poll::Ready(Err(error));
        }
        if !this.closed {
            ready!(this.poll_established(Half::Writer, cx))?;
            this.connection.close();
            this.closed = true;
        }
        let pushed = this.poll_push(Half::Writer, cx);
        this.take_arrived(Half::Writer, cx);
        ready!(pushed)?;
        this.poll_shutdown_transport(cx)
    }
}
