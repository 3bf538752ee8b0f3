//! Reads of the application.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

use super::TlsStream;
use super::state::{Outbound, Phase, ends_reads};
use super::transport::Budget;
use crate::callback::{Direction, Half, is_starved};
use crate::engine::{Engine, LARGEST_RECORD, Received};
use crate::error::ErrorKind;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Ready once the connection has plaintext, or will never have any.
    fn poll_plaintext(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut budget = Budget::new();
        loop {
            match self.connection.plaintext(&mut self.input) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) => ready!(self.poll_next_record(error, 0, &mut budget, cx))?,
            }
        }
    }

    /// The plaintext for a read that lends, after `poll_plaintext` was ready.
    #[inline]
    pub(super) fn lent(&mut self) -> io::Result<&[u8]> {
        match self.early_input.lent() {
            [] => self.connection.plaintext(&mut self.input),
            early => Ok(early),
        }
    }

    /// Copies the plaintext of all available records, as far as `buf` has room.
    fn poll_copy(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let mut budget = Budget::new();
        loop {
            let error = match self.connection.plaintext(&mut self.input) {
                Ok([]) => break,
                Ok(chunk) => {
                    let taken = chunk.len().min(buf.remaining());
                    buf.put_slice(&chunk[..taken]);
                    self.connection.consume(&mut self.input, taken);
                    if buf.remaining() == 0 {
                        break;
                    }
                    budget.reward();
                    continue;
                }
                Err(error) => error,
            };
            match self.poll_next_record(error, buf.remaining(), &mut budget, cx) {
                Poll::Ready(Ok(())) => {}
                answer if buf.filled().len() == before => return answer,
                // Return the data that arrived before the error first. A failure of TLS need not be
                // stored: every later call returns it anyway.
                Poll::Ready(Err(error)) => {
                    if !matches!(self.phase, Phase::Failed(_)) {
                        self.read_error = Some(error);
                    }
                    break;
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Passes the next record to the connection if that needs one to return plaintext; otherwise
    /// returns `error`.
    #[inline]
    fn poll_next_record(
        &mut self,
        error: io::Error,
        wanted: usize,
        budget: &mut Budget,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if error.kind() != io::ErrorKind::WouldBlock {
            // The connection has read the end of the stream elsewhere. A stored error is the cause.
            return Poll::Ready(Err(self.read_error.take().unwrap_or(error)));
        }
        if let Phase::Failed(_) = self.phase {
            return self.poll_failed(Half::Reader, cx);
        }
        // The stream may be disassembled while this is pending, so the connection must be able to
        // hold the rest.
        let fits = self.input.filled().len() <= LARGEST_RECORD && !self.input.is_ahead();
        if budget.is_spent() && fits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // A record that was read ahead costs cooperative budget, as an attempt at a socket would.
        if fits && self.input.has_record() {
            ready!(poll_proceed(cx)).made_progress();
        }
        // A buffered record needs no attempt.
        match self.connection.accept(&mut self.input, wanted) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                budget.spend(bytes);
                self.waiters.made_progress(Direction::Read, Half::Reader);
                return Poll::Ready(Ok(()));
            }
            Err(failure) => {
                self.fail(failure);
                return self.poll_failed(Half::Reader, cx);
            }
        }
        // Data that arrived before the error was returned before it.
        if let Some(error) = self.read_error.take() {
            return Poll::Ready(Err(error));
        }
        match ready!(self.poll_read_io(Half::Reader, cx, wanted))? {
            Received::Record(bytes) => budget.spend(bytes),
            // The record that these bytes begin is counted separately.
            Received::Bytes(_) => budget.spend(0),
            // The write error, if there is one, is more informative than the end of the stream.
            Received::End => {
                let told = self.write_error.take();
                return Poll::Ready(Err(told.unwrap_or_else(|| ErrorKind::Truncated.into())));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what would otherwise stay buffered while the task only reads.
    ///
    /// Reads continue after a write error, as on a socket: the next write returns the error, and
    /// what the peer has sent can still be read. But a read does not wait for the response to data
    /// that could not be sent, unless reads are sure to end too.
    pub(super) fn flush_on_read(&mut self, cx: &mut Context<'_>, waits: bool) -> io::Result<()> {
        if let Phase::Failed(_) = self.phase {
            return Ok(());
        }
        if self.write_error.is_none() {
            if let Poll::Ready(Err(error)) = self.poll_flush_on_read(cx, waits) {
                self.write_error = Some(error);
            }
        }
        let is_left = waits && self.awaited;
        let Some(error) = self
            .write_error
            .take_if(|error| is_left && !ends_reads(error))
        else {
            return Ok(());
        };
        if is_starved(cx) || self.input.has_record() {
            // The read does not wait but has stopped to let other tasks run, and there may be data.
            self.write_error = Some(error);
            return Ok(());
        }
        Err(error)
    }

    /// Sends pending responses and, if the reader is about to wait, everything that was written and
    /// not flushed.
    fn poll_flush_on_read(&mut self, cx: &mut Context<'_>, waits: bool) -> Poll<io::Result<()>> {
        if waits {
            if self.outbound() == Outbound::Owed {
                ready!(self.poll_write_out(Half::Reader, cx))?;
            }
        } else if self.send_buffer.is_holding() {
            // Responses would be queued after the batch anyway.
            return Poll::Ready(Ok(()));
        } else if self.connection.wants_write() {
            ready!(self.poll_write_io(Half::Reader, cx))?;
        }
        // Only after everything else was sent: otherwise responses would accumulate for a peer that
        // reads none.
        if self.input.take_message() && !self.phase.is_closing() {
            self.connection.queue_responses();
        }
        if self.connection.wants_write() || (waits && self.outbound() != Outbound::Clean) {
            ready!(self.poll_flush_io(Half::Reader, cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO, C> AsyncRead for TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let this = self.get_mut();
        let before = buf.filled().len();
        let is_early = ready!(this.poll_read_open_phase(cx, &mut |stream| {
            stream.copy_early(buf);
            buf.filled().len() > before
        }))?;
        let answer = match is_early {
            true => Poll::Ready(()),
            false => this.poll_copy(cx, buf)?,
        };
        this.flush_on_read(cx, answer.is_pending())?;
        answer.map(Ok)
    }
}

impl<IO, C> AsyncBufRead for TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if ready!(this.poll_read_open_phase(cx, &mut Self::lend_early))? {
            this.flush_on_read(cx, false)?;
            return Poll::Ready(this.lent());
        }
        let answer = this.poll_plaintext(cx)?;
        this.flush_on_read(cx, answer.is_pending())?;
        ready!(answer);
        Poll::Ready(this.lent())
    }

    /// # Panics
    ///
    /// If more is consumed than `poll_fill_buf` has returned.
    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        if !this.early_input.consume(amount) {
            this.connection.consume(&mut this.input, amount);
        }
    }
}
