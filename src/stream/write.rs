//! What the application writes.

use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::slices::Slices;
use super::waiters::Half;
use crate::callback::Direction;
use crate::engine::Engine;
use crate::error::ErrorKind;

/// How many slices of a vectored write are gathered into a record, with what waits as one of them.
const SLICES: usize = 64;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Takes no more at a time than may stay behind when the writer stops.
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
        if self.early {
            let early = ready!(self.poll_send_early(cx, slices.first()))?;
            if early > 0 {
                return Poll::Ready(Ok(early));
            }
        }
        ready!(self.poll_established(Half::Writer, cx))?;

        let mut taken = 0;
        let mut holds_back = self.outgoing.holds_back();
        let stopped = loop {
            let blocked = !mem::take(&mut holds_back)
                && match self.poll_transmit(Half::Writer, cx) {
                    Poll::Ready(Err(error)) => break Poll::Ready(error),
                    transmitted => transmitted.is_pending(),
                };
            if !blocked || self.outgoing.has_room(1) {
                if let Err(error) = self.take_in::<SLICES>(&mut slices, &mut taken) {
                    break Poll::Ready(error);
                }
            }
            if blocked {
                break Poll::Pending;
            }
            if slices.is_empty() {
                let wants_write = self.connection.wants_write();
                if wants_write && !self.outgoing.holds_back() {
                    continue;
                }
                if wants_write || !self.outgoing.waiting().is_empty() {
                    self.waiters.wake(Direction::Read, Half::Reader);
                }
                return Poll::Ready(Ok(taken));
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
        self.waiters.wake(Direction::Read, Half::Reader);
        Poll::Ready(Ok(taken))
    }

    /// Makes records of as much as may stay behind, or lets it wait for more.
    fn take_in<const SLICES: usize>(
        &mut self,
        slices: &mut Slices<'_>,
        taken: &mut usize,
    ) -> io::Result<()> {
        while !slices.is_empty() {
            let mut gathered = [IoSlice::new(&[]); SLICES];
            let limit = self.outgoing.limit();
            let record = slices.gather(self.outgoing.waiting(), limit, &mut gathered);
            let length: usize = record.iter().map(|slice| slice.len()).sum();
            let is_first = !self.connection.wants_write();
            if !is_first && !self.outgoing.has_room(length) {
                break;
            }
            if self.outgoing.is_coalescing() && length < limit {
                let count = record.len() - usize::from(!self.outgoing.waiting().is_empty());
                for _ in 0..count {
                    let slice = slices.first();
                    self.outgoing.keep(slice);
                    *taken += slice.len();
                    slices.advance(slice.len());
                }
                self.undelivered = true;
                continue;
            }
            match self.connection.send(record)? {
                0 if is_first => return Err(ErrorKind::Refused.into()),
                0 => break,
                sent => {
                    self.undelivered = true;
                    let new = self.outgoing.advance(sent);
                    slices.advance(new);
                    *taken += new;
                }
            }
        }
        Ok(())
    }

    /// Ready once nothing waits to become a record, and all records have been transmitted.
    pub(super) fn poll_send_waiting(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_transmit(half, cx))?;
            let limit = self.outgoing.limit();
            let waiting = self.outgoing.waiting();
            if waiting.is_empty() {
                self.outgoing.forget();
                return Poll::Ready(Ok(()));
            }
            let record = &waiting[..waiting.len().min(limit)];
            match self.connection.send(&[IoSlice::new(record)])? {
                0 => return Poll::Ready(Err(ErrorKind::Refused.into())),
                sent => {
                    self.undelivered = true;
                    self.outgoing.advance(sent);
                }
            }
        }
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
        if self.early {
            self.settle_early();
            ready!(self.poll_send_waiting(half, cx))?;
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
        self.get_mut().poll_send::<2>(cx, &[IoSlice::new(buf)])
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
        ready!(this.poll_send_waiting(Half::Writer, cx))?;
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
            ready!(this.poll_send_waiting(Half::Writer, cx))?;
            this.connection.close();
            this.closed = true;
        }
        let pushed = this.poll_push(Half::Writer, cx);
        this.take_arrived(Half::Writer, cx);
        ready!(pushed)?;
        this.poll_shutdown_transport(cx)
    }
}
