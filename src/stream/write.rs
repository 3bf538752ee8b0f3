//! Writes of the application: ready, buffer, flush.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::coop::poll_proceed;

use super::TlsStream;
use super::send_buffer::Step;
use super::slices::Slices;
use super::state::{Outbound, Phase};
use crate::callback::{Direction, Half, is_starved};
use crate::engine::{Engine, LARGEST_OVERHEAD, LARGEST_PLAINTEXT};
use crate::error::ErrorKind;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    fn poll_write_slices(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.phase.is_closing() {
            return Poll::Ready(Err(ErrorKind::Closed.into()));
        }
        let mut slices = Slices::new(bufs);
        if slices.is_empty() {
            // Nothing to send, but an earlier error is returned.
            return Poll::Ready(self.write_error.take().map_or(Ok(0), Err));
        }
        // Without budget the transport would not be asked, and what was accepted would stay here
        // although it is ready.
        drop(ready!(poll_proceed(cx)));
        let written = match self.poll_write_early(cx, slices.first()) {
            Poll::Ready(Ok(0)) => self.poll_write_open(cx, &mut slices),
            early => early,
        };
        self.leave_to_reader(cx, written)
    }

    /// A fast path for a small write to a batch, which is by far the most frequent case.
    #[inline]
    fn keep_small(&mut self, data: &[u8]) -> bool {
        let is_open = matches!(self.phase, Phase::Open) && self.write_error.is_none();
        let is_kept = is_open && !data.is_empty() && self.send_buffer.keep_small(data);
        self.awaited |= is_kept;
        is_kept
    }

    /// Writes once early data is over.
    fn poll_write_open(
        &mut self,
        cx: &mut Context<'_>,
        slices: &mut Slices<'_>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_write_open_phase(Half::Writer, cx))?;
        loop {
            let Step { room, is_due } = self.send_buffer.step(slices.left());
            let mut taken = self.buffer(slices, room)?;
            if !is_due && taken > 0 {
                // The batch waits for more data or a flush. If nothing was accepted, the program
                // has limited the connection's queue, which must be transmitted to make room.
                return Poll::Ready(Ok(taken));
            }
            match self.poll_write_due(cx)? {
                // The next call writes the rest, and returns its error if there is one.
                Poll::Ready(()) if taken > 0 => return Poll::Ready(Ok(taken)),
                // Older data had to be sent first.
                Poll::Ready(()) => {}
                Poll::Pending => {
                    taken += self.buffer(slices, self.send_buffer.room())?;
                    // Data that the transport does not accept is buffered, up to the limit.
                    return match taken {
                        0 => Poll::Pending,
                        taken => Poll::Ready(Ok(taken)),
                    };
                }
            }
        }
    }

    /// Ready once no more than the limit is buffered: everything is transmitted, or most of a
    /// batch.
    fn poll_write_due(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.send_buffer.attempt_bound() {
            usize::MAX => self.poll_write_io(Half::Writer, cx),
            most if self.connection.wants_write() => self.poll_transmit(Half::Writer, cx, most),
            _ => {
                // No record is queued, so what fills the batch waits for one: rejected early data,
                // which may be any amount.
                self.send_buffer.transmitted_all();
                self.make_records()?;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Ready once plaintext can be sent: the handshake has completed or has come far enough, and
    /// rejected early data has been sent again.
    #[inline]
    pub(super) fn poll_write_open_phase(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        // Inlined, since this is nearly always the case.
        let is_open = matches!(self.phase, Phase::Open) && self.write_error.is_none();
        if is_open && self.send_buffer.pending().is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.poll_write_opening(half, cx)
    }

    fn poll_write_opening(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_error.is_none() && !self.phase.is_writable() {
            ready!(self.poll_handshake(half, cx))?;
        }
        // Returned once, by the next write: an error that occurred in a reader that was flushing,
        // or at the end of a handshake.
        if let Some(error) = self.write_error.take() {
            return Poll::Ready(Err(error));
        }
        if let Phase::Failed(_) = self.phase {
            return self.poll_failed(half, cx);
        }
        if !self.send_buffer.pending().is_empty() && !self.send_buffer.is_holding() {
            ready!(self.poll_write_out(half, cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Encrypts up to `room` bytes, or keeps them for the next record. Returns how many were
    /// accepted.
    fn buffer(&mut self, slices: &mut Slices<'_>, room: usize) -> io::Result<usize> {
        let mut taken = 0;
        while taken < room && !slices.is_empty() {
            let waiting = self.send_buffer.pending().len();
            let most = waiting + slices.left();
            let fits = most.min(waiting + room - taken);
            let is_sized = self.send_buffer.is_sized();
            let available = if is_sized { most } else { fits };
            let length = self.send_buffer.next_records(available);
            // Records of individual size are not divided: this one begins the next attempt.
            if is_sized && taken > 0 && length > fits {
                break;
            }
            let new = if length == 0 {
                let waits = slices.gather(&[], available - waiting);
                waits.iter().for_each(|slice| self.send_buffer.keep(slice));
                available - waiting
            } else {
                let records = slices.gather(self.send_buffer.pending(), length);
                match self.connection.send(&records)? {
                    // Nothing is queued whose transmission would make room.
                    0 if !self.connection.wants_write() => {
                        return Err(ErrorKind::WriteZero.into());
                    }
                    // The connection's queue is full.
                    0 => break,
                    sent => self.encrypted(sent),
                }
            };
            slices.advance(new);
            taken += new;
        }
        self.awaited |= taken > 0;
        Ok(taken)
    }

    /// Makes records of pending plaintext, as far as the connection has room for them.
    pub(super) fn make_records(&mut self) -> io::Result<()> {
        loop {
            let length = self.send_buffer.last_records();
            let record = &self.send_buffer.pending()[..length];
            if record.is_empty() {
                return Ok(());
            }
            match self.connection.send(&[IoSlice::new(record)])? {
                0 if self.connection.wants_write() => return Ok(()),
                0 => return Err(ErrorKind::WriteZero.into()),
                sent => self.encrypted(sent),
            };
            self.awaited = true;
        }
    }

    /// Records that `count` bytes were encrypted; returns how many of them were not pending before.
    #[inline]
    fn encrypted(&mut self, count: usize) -> usize {
        self.unsent += count + (count / LARGEST_PLAINTEXT + 1) * LARGEST_OVERHEAD;
        self.send_buffer.encrypted(count)
    }

    /// Ends an operation of the writer: a waiting reader takes over what is still unsent, since the
    /// writer may never be polled again.
    ///
    /// Applies to writes, flushes and shutdowns alike, whether they complete, fail or are dropped
    /// later.
    pub(super) fn leave_to_reader<T>(
        &mut self,
        cx: &mut Context<'_>,
        answer: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.waiters.is_waiting(Direction::Read, Half::Reader) {
            // Most transports have nothing to flush, so a flush costs less than waking a task.
            if answer.is_ready() && self.outbound() == Outbound::Unflushed {
                if let Poll::Ready(Err(error)) = self.poll_flush_transport(Half::Writer, cx) {
                    self.write_error.get_or_insert(error);
                }
            }
            if self.outbound() != Outbound::Clean || self.write_error.is_some() {
                self.waiters.wake(Direction::Read, Half::Reader);
            }
        }
        answer
    }

    fn poll_flush_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.phase {
            // The client may wait for this data before it sends its Finished.
            Phase::Unconfirmed { .. } => self.write_error.take().map_or(Ok(()), Err)?,
            _ => ready!(self.poll_write_open_phase(Half::Writer, cx))?,
        }
        ready!(self.poll_write_out(Half::Writer, cx))?;
        self.poll_flush_transport(Half::Writer, cx)
    }

    fn poll_shut_down(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_close(cx);
        let blocked = sent.is_pending() && !is_starved(cx);
        // Before the transport is closed, and while the peer may be blocked until we read.
        if !self.phase.is_handshaking() {
            self.drain_io(Half::Writer, cx, blocked);
        }
        ready!(sent)?;
        ready!(self.poll_shutdown_transport(cx))?;
        if self.phase.is_closing() {
            self.phase = Phase::Closed;
        }
        Poll::Ready(Ok(()))
    }

    /// Performs a shutdown that leaves the transport open.
    pub(super) fn poll_send_close_notify(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_close(cx);
        self.leave_to_reader(cx, sent)
    }

    /// Ready once close_notify is sent after everything else, and flushed.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Phase::Failed(_) = self.phase {
            return self.poll_deliver_alert(Half::Writer, cx);
        }
        if !self.phase.is_closing() {
            if let Phase::Unconfirmed { .. } = self.phase {
                // Written data does not wait for the client's Finished, but close_notify does:
                // bytes that arrive after the transport is closed would cause a reset, and tickets
                // are sent after Finished.
                ready!(self.poll_flush_all(cx))?;
                ready!(self.poll_handshake(Half::Writer, cx))?;
            }
            ready!(self.poll_write_open_phase(Half::Writer, cx))?;
            self.make_records()?;
            if !self.send_buffer.pending().is_empty() {
                ready!(self.poll_write_out(Half::Writer, cx))?;
            }
            self.connection.close();
            self.phase = Phase::Closing;
        } else if let Some(error) = self.write_error.take() {
            return Poll::Ready(Err(error));
        }
        self.poll_flush_io(Half::Writer, cx)
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
        let this = self.get_mut();
        if this.keep_small(buf) {
            return this.leave_to_reader(cx, Poll::Ready(Ok(buf.len())));
        }
        this.poll_write_slices(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_slices(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = this.poll_flush_all(cx);
        this.leave_to_reader(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = this.poll_shut_down(cx);
        this.leave_to_reader(cx, shut)
    }
}
