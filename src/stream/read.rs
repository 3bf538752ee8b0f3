//! What the application reads.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

use super::TlsStream;
use super::state::{Outbound, Phase, ends_reads};
use super::transport::Budget;
use crate::callback::{Direction, Half};
use crate::engine::{Engine, LARGEST_RECORD, Received};
use crate::error::ErrorKind;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Ready once the connection has plaintext, or there will be none.
    fn poll_plaintext(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut budget = Budget::new();
        loop {
            match self.connection.plaintext(&mut self.input) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) => ready!(self.poll_next_record(error, 0, &mut budget, cx))?,
            }
        }
    }

    /// What a read that lends has found.
    #[inline]
    pub(super) fn lent(&mut self) -> io::Result<&[u8]> {
        match self.early_input.lent() {
            [] => self.connection.plaintext(&mut self.input),
            early => Ok(early),
        }
    }

    /// Copies every record that is there, as far as there is room.
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
                // What came before the error is returned before it. A failure of TLS is returned
                // by every later call in any case.
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

    /// Takes the next record in if the connection has no plaintext for want of it, and fails if it
    /// has none for another reason.
    #[inline]
    fn poll_next_record(
        &mut self,
        error: io::Error,
        wanted: usize,
        budget: &mut Budget,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if error.kind() != io::ErrorKind::WouldBlock {
            // A connection that takes bytes as they come knows of the end, but not why it came.
            return Poll::Ready(Err(self.read_error.take().unwrap_or(error)));
        }
        if let Phase::Failed(_) = self.phase {
            return self.poll_failed(Half::Reader, cx);
        }
        // What is left has to fit into the connection, should the stream be taken apart now.
        let fits = self.input.filled().len() <= LARGEST_RECORD && !self.input.is_ahead();
        if budget.is_spent() && fits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // A record that was read ahead is charged to the task as an attempt at a socket would be.
        if fits && self.input.has_record() {
            ready!(poll_proceed(cx)).made_progress();
        }
        // No attempt is needed for a record that is here.
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
        // What arrived before the error is given out before it.
        if let Some(error) = self.read_error.take() {
            return Poll::Ready(Err(error));
        }
        match ready!(self.poll_read_io(Half::Reader, cx, wanted))? {
            Received::Record(bytes) => budget.spend(bytes),
            // The record that they begin counts by itself.
            Received::Bytes(_) => budget.spend(0),
            // Why the transport broke, if that is known, tells more than that it has ended.
            Received::End => {
                let told = self.write_error.take();
                return Poll::Ready(Err(told.unwrap_or_else(|| ErrorKind::Truncated.into())));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what would otherwise stay behind a reader.
    ///
    /// A read goes on although writes fail, as it does on a socket: the next write is told, and what
    /// the peer has said is still read. But a reader does not wait for the response to what was
    /// written and could not be sent, unless reads are sure to end too.
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
        match self
            .write_error
            .take_if(|error| is_left && !ends_reads(error))
        {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Sends what is owed to the peer, and, before the reader waits, what was written and not
    /// flushed.
    fn poll_flush_on_read(&mut self, cx: &mut Context<'_>, waits: bool) -> Poll<io::Result<()>> {
        if waits {
            if self.outbound() == Outbound::Owed {
                ready!(self.poll_write_out(Half::Reader, cx))?;
            }
        } else if self.send_buffer.is_holding() {
            // Responses would go out behind the batch in any case.
            return Poll::Ready(Ok(()));
        } else if self.connection.wants_write() {
            ready!(self.poll_write_io(Half::Reader, cx))?;
        }
        // Not before all else is gone: responses would pile up for a peer that takes none of them.
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
    /// If more is consumed than `poll_fill_buf` gave.
    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        if !this.early_input.consume(amount) {
            this.connection.consume(&mut this.input, amount);
        }
    }
}
