//! The one drive loop: moves ciphertext between the transport and the engine.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::waiters::Half;
use crate::callback::{ATTEMPTS_PER_POLL, Attempt, Callback, Direction};
use crate::engine::{Engine, Failure, Inbox};
use crate::error::{Error, ErrorKind};

/// How much ciphertext may be taken in for no plaintext before other tasks get their turn: a peer
/// can send tickets without end.
pub(super) const BYTES_PER_POLL: usize = 128 * 1024;

/// What an attempt counts for at least: many can bring little each.
pub(super) const BYTES_PER_ATTEMPT: usize = BYTES_PER_POLL / ATTEMPTS_PER_POLL;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Makes one attempt that counts: `Interrupted` is tried again, and `Pending` says that `half`
    /// will be woken by the transport.
    fn poll_attempt<T>(
        &mut self,
        direction: Direction,
        half: Half,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut C, &mut Inbox, &mut Attempt<'_, '_, IO>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let joined = self.waiters.joined(direction, half, cx.waker());
        let mut context = Context::from_waker(joined.as_ref().unwrap_or_else(|| cx.waker()));
        for _ in 0..ATTEMPTS_PER_POLL {
            let mut transport = Attempt::new(Pin::new(&mut self.io), &mut context);
            match attempt(&mut self.connection, &mut self.inbox, &mut transport) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.waiters.park(direction, half, cx.waker());
                    return Poll::Pending;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                answer => {
                    self.received |= direction == Direction::Read;
                    self.waiters.advance(direction, half);
                    return Poll::Ready(answer);
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes in what the inbox holds or one attempt brings, and says how much.
    pub(super) fn poll_receive(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Result<usize, Failure>>> {
        self.poll_attempt(Direction::Read, half, cx, |connection, inbox, transport| {
            connection.receive(inbox, transport)
        })
    }

    /// Transmits everything that the engine has.
    pub(super) fn poll_transmit(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.connection.wants_write() {
            if self.miscounted {
                return Poll::Ready(Err(ErrorKind::OverReported.into()));
            }
            match ready!(self.poll_attempt(
                Direction::Write,
                half,
                cx,
                |connection, _, transport| connection.transmit(transport)
            )) {
                Ok(0) => return Poll::Ready(Err(ErrorKind::Refused.into())),
                Ok(_) => self.unflushed = true,
                Err(error) => {
                    let kind = Error::find(&error).map(|error| error.kind());
                    self.miscounted = kind == Some(ErrorKind::OverReported);
                    return Poll::Ready(Err(error));
                }
            }
        }
        self.outgoing.transmitted();
        Poll::Ready(Ok(()))
    }

    /// Transmits everything that the engine has and flushes the transport.
    pub(super) fn poll_push(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_transmit(half, cx))?;
        if self.unflushed {
            self.poll_flush_transport(half, cx)
        } else {
            Poll::Ready(Ok(()))
        }
    }

    pub(super) fn poll_flush_transport(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(
            self.poll_attempt(Direction::Write, half, cx, |_, _, transport| {
                io::Write::flush(transport)
            })
        )?;
        self.unflushed = false;
        self.undelivered = false;
        Poll::Ready(Ok(()))
    }

    /// Delivers the alert, then fails. If the peer has sent one itself, nothing is waited for.
    pub(super) fn poll_fail<T>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        failure: Failure,
    ) -> Poll<io::Result<T>> {
        // The engine fails in the same way at the next poll, so nothing has to be remembered.
        let pushed = self.poll_push(half, cx);
        self.discard_arrived(half, cx);
        match pushed {
            Poll::Pending if !failure.is_alert_of_peer() => Poll::Pending,
            _ => Poll::Ready(Err(failure.into())),
        }
    }

    /// Reads what nobody will take, so that a kernel does not answer it with a reset that
    /// overtakes the alert, and a peer that is blocked in a write comes to read the alert.
    fn discard_arrived(&mut self, half: Half, cx: &mut Context<'_>) {
        for _ in 0..ATTEMPTS_PER_POLL {
            self.inbox.clear();
            if !matches!(self.poll_fill_inbox(half, cx), Poll::Ready(Ok(1..))) {
                return;
            }
        }
    }

    /// Takes in what has arrived, without waiting for more and without losing any of it.
    pub(super) fn take_arrived(&mut self, half: Half, cx: &mut Context<'_>) {
        let mut total = 0;
        while total < BYTES_PER_POLL {
            match self.poll_fill_inbox(half, cx) {
                Poll::Ready(Ok(taken @ 1..)) => {
                    total += taken;
                    self.connection.absorb(&mut self.inbox);
                }
                Poll::Ready(Err(error)) => {
                    self.read_error.get_or_insert(error);
                    return;
                }
                Poll::Ready(Ok(0)) | Poll::Pending => return,
            }
        }
    }

    /// Moves what has arrived into the inbox, as far as there is room.
    fn poll_fill_inbox(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.poll_attempt(Direction::Read, half, cx, |_, inbox, transport| {
            inbox.fill_up(transport)
        })
    }

    pub(super) fn poll_shutdown_transport(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(self.poll_attempt(
            Direction::Write,
            Half::Writer,
            cx,
            |_, _, transport| transport.shutdown()
        ));
        Poll::Ready(match shut {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            answer => answer,
        })
    }
}
