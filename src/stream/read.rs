//! What the application reads.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::TlsStream;
use super::drive::{BYTES_PER_ATTEMPT, BYTES_PER_POLL};
use super::waiters::Half;
use crate::engine::Engine;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Ready once there may be plaintext. A handshake pushes by itself, and tells if it cannot: so
    /// nothing is to be pushed behind it.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_handshaking() {
            ready!(self.poll_handshake(Half::Reader, cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready once the engine has plaintext, or knows that there will be none.
    fn poll_plaintext(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut spent = 0;
        loop {
            match self.connection.plaintext() {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) => ready!(self.poll_after(error, &mut spent, cx))?,
            }
        }
    }

    /// Copies every record that is there, as far as there is room.
    fn poll_copy(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let mut spent = 0;
        loop {
            let error = match self.connection.plaintext() {
                Ok([]) => break,
                Ok(chunk) => {
                    let taken = chunk.len().min(buf.remaining());
                    buf.put_slice(&chunk[..taken]);
                    self.connection.consume(taken);
                    if buf.remaining() == 0 {
                        break;
                    }
                    spent = 0;
                    continue;
                }
                Err(error) => error,
            };
            match self.poll_after(error, &mut spent, cx) {
                Poll::Ready(Ok(())) => {}
                answer if buf.filled().len() == before => return answer,
                Poll::Ready(Err(error)) => {
                    self.read_error = Some(error);
                    break;
                }
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes more ciphertext in if the engine has no plaintext for want of it, and fails if it has
    /// none for another reason. `spent` is what it has cost this poll until now.
    fn poll_after(
        &mut self,
        error: io::Error,
        spent: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if error.kind() != io::ErrorKind::WouldBlock {
            // Why the transport broke, if that is known, says more than that it has ended.
            let told = self.read_error.take().or_else(|| self.write_error.take());
            return Poll::Ready(Err(told.unwrap_or(error)));
        }
        if *spent >= BYTES_PER_POLL {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // What arrived before the error is given out before it.
        if self.inbox.is_empty() {
            if let Some(error) = self.read_error.take() {
                return Poll::Ready(Err(error));
            }
        }
        match ready!(self.poll_receive(Half::Reader, cx))? {
            Ok(taken) => *spent += taken.max(BYTES_PER_ATTEMPT),
            Err(failure) => return self.poll_fail(Half::Reader, cx, failure),
        }
        Poll::Ready(Ok(()))
    }

    /// Pushes out what would otherwise stay behind a reader.
    ///
    /// A read goes on although writes fail, as it does on a socket; the next write tells. But it
    /// does not wait for the answer to what was written and could not be sent.
    fn push_behind(&mut self, cx: &mut Context<'_>, parks: bool) -> io::Result<()> {
        if self.write_error.is_none() {
            if let Poll::Ready(Err(error)) = self.poll_push_behind(cx, parks) {
                self.write_error = Some(error);
            }
        }
        match self.write_error.take_if(|_| parks && self.undelivered) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Pushes what the engine owes the peer, and, when the reader parks, what was written and not
    /// flushed.
    fn poll_push_behind(&mut self, cx: &mut Context<'_>, parks: bool) -> Poll<io::Result<()>> {
        self.settle_early();
        let waits = parks && !self.outgoing.waiting().is_empty();
        let owed = waits || self.connection.wants_write();
        if waits {
            ready!(self.poll_send_waiting(Half::Reader, cx))?;
        } else if owed {
            ready!(self.poll_transmit(Half::Reader, cx))?;
        }
        // Not before all else is gone: answers would pile up for a peer that takes none of them.
        if mem::take(&mut self.received) && !self.closed {
            self.connection.queue_answers();
        }
        if owed || self.connection.wants_write() || (parks && self.unflushed) {
            ready!(self.poll_push(Half::Reader, cx))?;
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
        ready!(this.poll_readable(cx))?;
        let answer = this.poll_copy(cx, buf)?;
        this.push_behind(cx, answer.is_pending())?;
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
        ready!(this.poll_readable(cx))?;
        let answer = this.poll_plaintext(cx)?;
        this.push_behind(cx, answer.is_pending())?;
        ready!(answer);
        Poll::Ready(this.connection.plaintext())
    }

    /// # Panics
    ///
    /// If more is consumed than `poll_fill_buf` gave.
    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.get_mut().connection.consume(amount);
    }
}
