//! Owned halves, for two tasks or threads: one can decrypt while the other encrypts.
//!
//! Each is a stream of one direction, driven by the same code as a whole stream.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::TlsStream;
use super::shared::Shared;
use super::sides::{ReadSide, WriteSide};
use super::state::{Failed, Outbound, Phase};
use crate::callback::{Direction, Half};
use crate::engine::{Divide, Engine, InputBuffer, Owes};

/// The reading half of a stream, with the reading half `R` of its transport.
///
/// Returned by [`TlsStream::into_split_with`]. It reads as the whole stream does, and sends pending
/// responses to the peer and alerts while the [`WriteHalf`] is idle or blocked. Before it waits, it also
/// sends what the other half has written and not flushed.
///
/// Dropping it drops the reading half of the transport.
pub struct ReadHalf<R, W, C: Divide> {
    stream: TlsStream<ReadSide<R>, C::Receiver>,
    shared: Arc<Shared<W, C::Sender>>,
}

/// The writing half of a stream, with the writing half `W` of its transport.
///
/// Returned by [`TlsStream::into_split_with`]. It writes, flushes and shuts down as the whole stream
/// does, except that only the [`ReadHalf`] reads, also during a shutdown. After a failure of TLS in the
/// reading half it fails too.
///
/// Dropping it sends no close_notify. It drops the writing half of the transport once everything that
/// was written has been sent, as long as the reading half exists to do that: a socket then tells the
/// peer that nothing more will follow, which the peer treats as a truncation.
pub struct WriteHalf<W, C: Divide> {
    shared: Arc<Shared<W, C::Sender>>,
    /// Whether the halves were reunited.
    is_united: bool,
}

/// Both halves of a stream.
pub type Halves<R, W, C> = (ReadHalf<R, W, C>, WriteHalf<W, C>);

impl<IO, C: Divide> TlsStream<IO, C> {
    /// Splits the stream into owned halves, and its transport with `split`.
    ///
    /// Unlike the halves of [`tokio::io::split`], these share no lock while one of them decrypts or
    /// waits for the transport.
    ///
    /// # Errors
    ///
    /// Returns the stream if its handshake is not complete: before early data is known to be accepted.
    #[expect(clippy::result_large_err, reason = "the stream is returned")]
    pub fn into_split_with<R, W>(
        self,
        split: impl FnOnce(IO) -> (R, W),
    ) -> Result<Halves<R, W, C>, Self> {
        // Early data may have to be sent again even though the connection has ended.
        if self.phase.is_handshaking() {
            return Err(self);
        }
        let (receiver, sender) = match (*self.connection).divide() {
            Ok(directions) => directions,
            Err(connection) => {
                return Err(Self {
                    connection: Box::new(connection),
                    ..self
                });
            }
        };
        let (reader, writer) = split(self.io);
        let failure = match &self.phase {
            Phase::Failed(failed) => Some(failed.failure.clone()),
            _ => None,
        };
        let mut stream = TlsStream::new(ReadSide(reader), receiver, self.input);
        stream.early_input = self.early_input;
        stream.phase = Phase::Open;
        stream.read_error = self.read_error;
        if let Some(failure) = failure {
            stream.fail(failure);
        }
        let writer = WriteSide {
            io: Some(writer),
            is_abandoned: false,
        };
        let mut other = TlsStream::new(writer, sender, InputBuffer::ended());
        other.send_buffer = self.send_buffer;
        other.phase = self.phase;
        other.given = self.given;
        other.unsent = self.unsent;
        other.awaited = self.awaited;
        other.write_error = self.write_error;
        let shared = Arc::new(Shared::new(other));
        Ok((
            ReadHalf {
                stream,
                shared: Arc::clone(&shared),
            },
            WriteHalf {
                shared,
                is_united: false,
            },
        ))
    }
}

impl<R, W, C: Divide> ReadHalf<R, W, C> {
    /// Returns the reading half of the transport.
    pub fn get_ref(&self) -> &R {
        &self.stream.io.0
    }

    /// Returns how many of the bytes that were read came as early data: see
    /// [`TlsStream::early_data_read`].
    pub fn early_data_read(&self) -> usize {
        self.stream.early_data_read()
    }

    /// The receiving direction of the connection.
    pub(crate) fn connection(&mut self) -> &mut C::Receiver {
        &mut self.stream.connection
    }

    pub(crate) fn connection_ref(&self) -> &C::Receiver {
        &self.stream.connection
    }

    /// Reunites the halves of the stream, and those of its transport with `join`.
    ///
    /// # Errors
    ///
    /// Returns both halves if they belong to different streams.
    #[expect(clippy::result_large_err, reason = "the halves are returned")]
    pub fn unsplit_with<IO>(
        self,
        mut writer: WriteHalf<W, C>,
        join: impl FnOnce(R, W) -> IO,
    ) -> Result<TlsStream<IO, C>, Halves<R, W, C>> {
        if !Arc::ptr_eq(&self.shared, &writer.shared) {
            return Err((self, writer));
        }
        writer.is_united = true;
        drop(writer);
        let Ok(shared) = Arc::try_unwrap(self.shared) else {
            unreachable!("there are two halves, and both are here");
        };
        let owed = shared.take_owed();
        let (reader, other) = (self.stream, shared.into_inner());
        let Some(io) = other.io.io else {
            unreachable!("only a dropped half releases its transport");
        };
        let mut connection = C::unite(*reader.connection, *other.connection);
        if let Phase::Failed(_) = reader.phase {
            // The alert, which may not have been queued yet.
            connection.queue_responses();
        }
        let mut stream = TlsStream::new(join(reader.io.0, io), connection, reader.input);
        if owed {
            stream.input.note_message();
        }
        stream.early_input = reader.early_input;
        stream.send_buffer = other.send_buffer;
        stream.phase = match reader.phase {
            // The other half holds the alert, if one has to be sent in the clear.
            failed @ Phase::Failed(_) if !matches!(other.phase, Phase::Failed(_)) => failed,
            _ => other.phase,
        };
        stream.given = other.given;
        stream.unsent = other.unsent;
        stream.awaited = other.awaited;
        stream.read_error = reader.read_error;
        stream.write_error = other.write_error;
        Ok(stream)
    }
}

impl<R, W, C> ReadHalf<R, W, C>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    C: Divide,
{
    /// Ends a read as a whole stream does: sends pending responses, and everything else that is
    /// unsent before the read waits or fails.
    fn poll_end<T>(
        &mut self,
        cx: &mut Context<'_>,
        answer: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let owes = self.stream.connection.take_owes();
        if let Phase::Failed(failed) = &self.stream.phase {
            // Data that arrived before the failure is returned before it, but nothing is written
            // after it.
            self.shared.note_failure(&failed.failure);
        }
        if owes {
            self.shared.note_owed();
        }
        if let Phase::Failed(failed) = &self.stream.phase {
            // The failure is returned again.
            if let Poll::Ready(Ok(_)) = answer {
                return answer;
            }
            let failed = Failed {
                failure: failed.failure.clone(),
                alert: None,
            };
            return self.poll_fail(cx, failed);
        }
        match answer {
            // With no response pending, the reader does not contend for the writer's lock.
            Poll::Ready(Ok(_)) if !self.shared.is_owed() => answer,
            Poll::Ready(Ok(_)) => {
                if let Some(mut writer) = self.shared.try_lock() {
                    // Nothing can be sent once the transport is released.
                    if self.shared.take_owed() && writer.io.io.is_some() {
                        writer.input.note_message();
                        writer.flush_on_read(cx, false)?;
                    }
                }
                answer
            }
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                // The write error, if there is one, is more informative than the end of the stream.
                let mut writer = self.shared.try_lock();
                let told = writer.as_mut().and_then(|writer| writer.write_error.take());
                Poll::Ready(Err(told.unwrap_or(error)))
            }
            Poll::Ready(Err(_)) => answer,
            Poll::Pending => {
                let mut writer = ready!(self.poll_writer(cx));
                if self.shared.take_owed() && writer.io.io.is_some() {
                    writer.input.note_message();
                }
                writer.flush_on_read(cx, true)?;
                writer.let_go_if_clean();
                let (direction, half) = (Direction::Read, Half::Reader);
                writer.waiters.register(direction, half, cx.waker());
                Poll::Pending
            }
        }
    }

    /// Delivers the alert as far as the transport allows, then returns the failure.
    fn poll_fail<T>(&mut self, cx: &mut Context<'_>, failed: Failed) -> Poll<io::Result<T>> {
        let mut writer = ready!(self.poll_writer(cx));
        if !matches!(writer.phase, Phase::Failed(_)) {
            writer.connection.queue_responses();
            writer.phase = Phase::Failed(Box::new(failed));
            // Wakes a waiting writer, which returns the failure.
            writer.waiters.wake(Direction::Write, Half::Writer);
        }
        let answer = writer.poll_failed(Half::Reader, cx);
        writer.let_go_if_clean();
        answer
    }

    /// Ready with the write side unless the writer holds it; then the task is woken on its release.
    fn poll_writer(&self, cx: &mut Context<'_>) -> Poll<super::shared::Locked<'_, W, C::Sender>> {
        match self.shared.lock_or_wake(cx.waker()) {
            Some(writer) => Poll::Ready(writer),
            None => Poll::Pending,
        }
    }
}

impl<W, T: Engine> TlsStream<WriteSide<W>, T> {
    /// Releases the transport if its half was dropped and everything was sent.
    fn let_go_if_clean(&mut self) {
        if self.io.is_abandoned && self.outbound() == Outbound::Clean {
            self.io.io = None;
        }
    }
}

impl<W, T> TlsStream<WriteSide<W>, T>
where
    W: AsyncWrite + Unpin,
    T: Engine,
{
    /// Sends the responses that the reader could not send. If there is a batch, they are sent after
    /// it.
    fn poll_respond(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.phase.is_closing() || matches!(self.phase, Phase::Failed(_)) {
            return Poll::Ready(Ok(()));
        }
        self.connection.queue_responses();
        if self.send_buffer.is_holding() || !self.connection.wants_write() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_write_io(Half::Writer, cx))?;
        self.poll_flush_transport(Half::Writer, cx)
    }
}

impl<W, C> WriteHalf<W, C>
where
    W: AsyncWrite + Unpin,
    C: Divide,
{
    /// Runs `operation` on the write side, then sends the responses that the reader could not.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnOnce(
            Pin<&mut TlsStream<WriteSide<W>, C::Sender>>,
            &mut Context<'_>,
        ) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut writer = self.shared.lock();
        if self.shared.is_owed() {
            if let Some(failure) = self.shared.failure() {
                writer.connection.queue_responses();
                writer.fail(failure);
            }
        }
        let answer = operation(Pin::new(&mut *writer), cx);
        drop(writer);
        while self.shared.take_owed() {
            let mut writer = self.shared.lock();
            if let Poll::Ready(Err(error)) = writer.poll_respond(cx) {
                writer.write_error.get_or_insert(error);
            }
            let _ = writer.leave_to_reader(cx, Poll::Ready(Ok(())));
        }
        answer
    }
}

impl<W, C: Divide> WriteHalf<W, C> {
    /// Runs `act` on the sending direction of the connection.
    pub(crate) fn with_connection<T>(&mut self, act: impl FnOnce(&mut C::Sender) -> T) -> T {
        act(&mut self.shared.lock().connection)
    }
}

impl<R, W, C> AsyncRead for ReadHalf<R, W, C>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    C: Divide,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.poll_end(cx, answer)
    }
}

impl<R, W, C> AsyncBufRead for ReadHalf<R, W, C>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    C: Divide,
{
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        let answer = Pin::new(&mut this.stream).poll_fill_buf(cx).map_ok(drop);
        ready!(this.poll_end(cx, answer))?;
        Poll::Ready(this.stream.lent())
    }

    /// # Panics
    ///
    /// If more is consumed than `poll_fill_buf` has returned.
    fn consume(self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.get_mut().stream).consume(amount);
    }
}

impl<W, C> AsyncWrite for WriteHalf<W, C>
where
    W: AsyncWrite + Unpin,
    C: Divide,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll(cx, |writer, cx| writer.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll(cx, |writer, cx| writer.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll(cx, |writer, cx| writer.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut()
            .poll(cx, |writer, cx| writer.poll_shutdown(cx))
    }
}

impl<W, C: Divide> Drop for WriteHalf<W, C> {
    fn drop(&mut self) {
        if self.is_united {
            return;
        }
        let mut writer = self.shared.lock();
        writer.io.is_abandoned = true;
        writer.let_go_if_clean();
        // The reader sends the rest.
        writer.waiters.wake(Direction::Read, Half::Reader);
    }
}

impl<R, W, C: Divide> fmt::Debug for ReadHalf<R, W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<W, C: Divide> fmt::Debug for WriteHalf<W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
