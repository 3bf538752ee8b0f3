//! Moves ciphertext between the transport and the connection, in one attempt or in as many as are
//! needed to send everything.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::sink::{Bounded, Shown};
use super::state::{Given, Outbound, Phase};
use crate::callback::{Attempt, Callback, Direction, Half, poll_attempt, unbudgeted};
use crate::engine::{Engine, InputBuffer, LARGEST_RECORD, ReceiveError, Received};
use crate::error::{Error, ErrorKind};

/// How many bytes that yield no plaintext one poll may process before it lets other tasks run: a
/// peer can send tickets without end.
const FRUITLESS_BYTES: usize = 128 * 1024;

/// How many records or attempts one poll may process: a peer can send tiny records.
const RECORDS: usize = 512;

/// How many attempts of [`TlsStream::drain_io`] may fail in one poll.
const FAILED_ATTEMPTS: usize = 8;

/// The work that a poll may still do. Plaintext needs no limit here, since the caller's buffer
/// bounds it.
pub(super) struct Budget {
    fruitless: usize,
    records: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            fruitless: FRUITLESS_BYTES,
            records: RECORDS,
        }
    }

    /// Counts a record of `bytes` bytes, or an attempt.
    #[inline]
    pub(super) fn spend(&mut self, bytes: usize) {
        self.fruitless = self.fruitless.saturating_sub(bytes);
        self.records = self.records.saturating_sub(1);
    }

    /// Records that the bytes have yielded plaintext.
    #[inline]
    pub(super) fn reward(&mut self) {
        self.fruitless = FRUITLESS_BYTES;
    }

    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        self.fruitless == 0 || self.records == 0
    }
}

impl<IO, C: Engine> TlsStream<IO, C> {
    /// Where outbound data is.
    #[inline]
    pub(super) fn outbound(&self) -> Outbound {
        if self.connection.wants_write() || !self.send_buffer.pending().is_empty() {
            Outbound::Owed
        } else if self.given == Given::Unflushed {
            Outbound::Unflushed
        } else {
            Outbound::Clean
        }
    }
}

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Makes one attempt and records its outcome: if `Pending`, the transport will wake `half`.
    #[inline]
    pub(super) fn poll_attempt<T>(
        &mut self,
        direction: Direction,
        half: Half,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut C, &mut InputBuffer, &mut Attempt<'_, '_, IO>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let joined = self.waiters.joined(direction, half, cx.waker());
        let mut context = Context::from_waker(joined.as_ref().unwrap_or_else(|| cx.waker()));
        let Self {
            io,
            connection,
            input,
            ..
        } = self;
        let answer = poll_attempt(&mut context, |cx| {
            let mut transport = Attempt::new(Pin::new(&mut *io), cx);
            attempt(connection, input, &mut transport)
        });
        match answer {
            Poll::Pending => self.waiters.register(direction, half, cx.waker()),
            Poll::Ready(_) => self.waiters.made_progress(direction, half),
        }
        answer
    }

    /// Processes one buffered record, or makes one attempt to read from the transport.
    ///
    /// `wanted` is the amount of plaintext that the caller has room for. A TLS error makes the
    /// stream fail.
    #[inline]
    pub(super) fn poll_read_io(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        wanted: usize,
    ) -> Poll<io::Result<Received>> {
        let mut failure = None;
        let answer =
            self.poll_attempt(Direction::Read, half, cx, |connection, input, transport| {
                match connection.receive(input, transport, wanted) {
                    Ok(received) => Ok(Some(received)),
                    Err(ReceiveError::Transport(error)) => Err(error),
                    Err(ReceiveError::Tls(found)) => {
                        failure = Some(found);
                        Ok(None)
                    }
                }
            });
        match (ready!(answer)?, failure) {
            (Some(received), _) => Poll::Ready(Ok(received)),
            (None, failure) => {
                if let Some(failure) = failure {
                    self.fail(failure);
                }
                self.poll_failed(half, cx)
            }
        }
    }

    /// Ready once all queued ciphertext is passed to the transport: one attempt, if it accepts all.
    #[inline]
    pub(super) fn poll_write_io(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.connection.wants_write() {
            ready!(self.poll_transmit(half, cx, usize::MAX))?;
        }
        self.send_buffer.transmitted_all();
        if !self.phase.is_closing() {
            self.unsent = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Ready once the transport has accepted some of the queued ciphertext: one attempt, with whole
    /// records of at most `most` bytes.
    pub(super) fn poll_transmit(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<()>> {
        if self.given == Given::Miscounted {
            return Poll::Ready(Err(ErrorKind::OverReported.into()));
        }
        let mut shown = Shown::default();
        let answer = self.poll_attempt(Direction::Write, half, cx, |connection, _, transport| {
            let mut sink = Bounded {
                transport,
                most,
                shown: &mut shown,
            };
            connection.transmit(&mut sink)
        });
        Poll::Ready(match ready!(answer) {
            // Trying again within this poll would spin.
            Ok(0) => Err(ErrorKind::WriteZero.into()),
            Ok(taken) => {
                self.given = Given::Unflushed;
                match self.connection.wants_write() {
                    true => self.send_buffer.transmitted(taken, shown),
                    false => self.send_buffer.transmitted_all(),
                }
                if !self.phase.is_closing() {
                    self.unsent = self.unsent.saturating_sub(taken);
                }
                Ok(())
            }
            Err(error) => {
                let kind = Error::find(&error).map(|error| error.kind());
                if kind == Some(ErrorKind::OverReported) {
                    self.given = Given::Miscounted;
                }
                Err(error)
            }
        })
    }

    /// Ready once everything that was written is passed to the transport, including plaintext that
    /// is not in a record yet.
    #[inline]
    pub(super) fn poll_write_out(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.send_buffer.pending().is_empty() {
                self.make_records()?;
            }
            ready!(self.poll_write_io(half, cx))?;
            if self.send_buffer.pending().is_empty() {
                self.send_buffer.forget();
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Ready once everything is passed to the transport and the transport is flushed, if necessary.
    pub(super) fn poll_flush_io(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write_out(half, cx))?;
        match self.given {
            Given::Flushed => Poll::Ready(Ok(())),
            _ => self.poll_flush_transport(half, cx),
        }
    }

    pub(super) fn poll_flush_transport(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(
            self.poll_attempt(Direction::Write, half, cx, |_, _, transport| {
                transport.flush()
            })
        )?;
        if self.given == Given::Unflushed {
            self.given = Given::Flushed;
        }
        self.awaited &= self.outbound() == Outbound::Owed;
        Poll::Ready(Ok(()))
    }

    /// Reads what has arrived into the input buffer, without waiting and without losing any of it.
    ///
    /// Reads no more than [`into_inner`](Self::into_inner) can return, unless our own writes are
    /// `blocked`: the peer may be blocked as well, and one side has to give way.
    pub(super) fn drain_io(&mut self, half: Half, cx: &mut Context<'_>, blocked: bool) {
        let _ = unbudgeted(cx, |cx| {
            self.drain_unbudgeted(half, cx, blocked);
            Poll::Ready(())
        });
    }

    fn drain_unbudgeted(&mut self, half: Half, cx: &mut Context<'_>, blocked: bool) {
        let most = match blocked {
            // The side with more unsent bytes reads everything that the other side has sent,
            // regardless of its limits.
            true => self
                .unsent
                .saturating_mul(2)
                .clamp(LEAST_GIVEN_WAY, u32::MAX as usize / 2),
            false => LARGEST_RECORD,
        };
        let mut budget = Budget::new();
        let mut failed = 0;
        loop {
            if let Phase::Failed(_) = self.phase {
                return self.discard_io(half, cx);
            }
            if let Err(failure) = self.connection.absorb(&mut self.input) {
                return self.fail(failure);
            }
            // Data after a close_notify is not part of this stream.
            if self.input.has_ended()
                || matches!(self.connection.plaintext(&mut self.input), Ok([]))
            {
                return;
            }
            if budget.is_spent() {
                // The waker is not registered, and there may be more to read.
                cx.waker().wake_by_ref();
                return;
            }
            let taken = if self.input.is_framed() {
                self.poll_attempt(Direction::Read, half, cx, |_, input, transport| {
                    input.collect(most, transport)
                })
            } else if self.connection.plaintext(&mut self.input).is_ok() {
                return;
            } else {
                let received = self.poll_read_io(half, cx, 0);
                received.map_ok(|received| received.bytes())
            };
            match taken {
                Poll::Ready(Ok(taken @ 1..)) => budget.spend(taken),
                Poll::Ready(Err(error)) => {
                    if let Phase::Failed(_) = self.phase {
                        return;
                    }
                    // The next read returns the error. Try again, since we may be waiting for a
                    // peer that is blocked until its bytes are read.
                    self.read_error.get_or_insert(error);
                    failed += 1;
                    if failed == FAILED_ATTEMPTS {
                        return;
                    }
                }
                Poll::Ready(Ok(0)) | Poll::Pending => return,
            }
        }
    }

    /// Reads and discards input, so that closing the socket causes no reset that overtakes the
    /// alert, and a peer that is blocked in a write can continue and read the alert.
    pub(super) fn discard_io(&mut self, half: Half, cx: &mut Context<'_>) {
        let _ = unbudgeted(cx, |cx| {
            self.discard_unbudgeted(half, cx);
            Poll::Ready(())
        });
    }

    fn discard_unbudgeted(&mut self, half: Half, cx: &mut Context<'_>) {
        let mut budget = Budget::new();
        while !budget.is_spent() {
            self.input.clear();
            match self.poll_attempt(Direction::Read, half, cx, |_, input, transport| {
                input.fill_to(LARGEST_RECORD, transport)
            }) {
                Poll::Ready(Ok(taken @ 1..)) => budget.spend(taken),
                _ => return,
            }
        }
        cx.waker().wake_by_ref();
    }

    pub(super) fn poll_shutdown_transport(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(self.poll_attempt(
            Direction::Write,
            Half::Writer,
            cx,
            |_, _, transport| transport.shutdown()
        ));
        Poll::Ready(match shut {
            // The peer has closed the connection already.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            answer => answer,
        })
    }
}

/// How many bytes of the peer a blocked shutdown reads at least, even if it has few bytes to send
/// itself.
const LEAST_GIVEN_WAY: usize = 128 * 1024;
