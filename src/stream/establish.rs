//! Performs the handshake of a stream.

use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::state::{Given, Phase, ends_reads};
use super::transport::Budget;
use crate::callback::{Direction, Half, is_starved};
use crate::engine::{Engine, Failure, Received};
use crate::error::Error;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Ready once the handshake is complete and the stream is open.
    ///
    /// Reading continues while writes are blocked, since the peer may be blocked as well. It also
    /// continues after a write error: an alert that can still be read is more informative.
    pub(super) fn poll_handshake(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_handshake_until(half, cx, &mut |_| false)
    }

    /// Like [`poll_handshake`](Self::poll_handshake), but ready earlier if `is_enough` returns
    /// true. It is called each time all received data has been processed and all queued data
    /// offered to the transport.
    pub(super) fn poll_handshake_until(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        is_enough: &mut dyn FnMut(&mut Self) -> bool,
    ) -> Poll<io::Result<()>> {
        if let Phase::Failed(_) = self.phase {
            return self.poll_failed(half, cx);
        }
        let mut budget = Budget::new();
        loop {
            // Process everything that has arrived before sending anything, so that all responses to
            // a flight go out in one attempt.
            let verified = loop {
                match self.poll_verified(half, cx) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(failure)) => {
                        self.fail(failure);
                        return self.poll_failed(half, cx);
                    }
                    Poll::Pending => break Poll::Pending,
                }
                if !self.connection.is_handshaking() || !self.input.has_record() {
                    break Poll::Ready(());
                }
                if budget.is_spent() {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                budget.spend(ready!(self.poll_read_io(half, cx, 0))?.bytes());
            };
            let mut blocked = false;
            if self.write_error.is_none() {
                match self.poll_flush_handshake(half, cx) {
                    Poll::Ready(Err(error)) => self.write_error = Some(error),
                    flushed => blocked = flushed.is_pending(),
                }
            }
            if !self.connection.is_handshaking() {
                return self.poll_last_flight(half, cx, blocked);
            }
            if is_enough(self) {
                return Poll::Ready(Ok(()));
            }
            ready!(verified);
            if budget.is_spent() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.poll_read_io(half, cx, 0) {
                Poll::Ready(Ok(Received::Record(bytes) | Received::Bytes(bytes))) => {
                    budget.spend(bytes);
                }
                // The write error, if there is one, is more informative than the end of the stream.
                Poll::Ready(Ok(Received::End)) => {
                    let told = self.write_error.take();
                    return Poll::Ready(Err(told.unwrap_or_else(|| Error::handshake_eof().into())));
                }
                Poll::Ready(Err(error)) => {
                    let told = match self.phase {
                        Phase::Failed(_) => None,
                        _ => self.write_error.take(),
                    };
                    return Poll::Ready(Err(told.unwrap_or(error)));
                }
                // The transport was not asked for the alert that explains the write error.
                Poll::Pending if is_starved(cx) => return Poll::Pending,
                Poll::Pending => match self.write_error.take_if(|error| !ends_reads(error)) {
                    Some(error) => return Poll::Ready(Err(error)),
                    // Processing the received data may have queued a response.
                    None if !blocked
                        && self.write_error.is_none()
                        && self.connection.wants_write() => {}
                    None => return Poll::Pending,
                },
            }
        }
    }

    /// Ready once the connection is not waiting for the verification of the peer.
    ///
    /// A task that waits for it is registered as waiting for reads of the transport.
    fn poll_verified(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let joined = self.waiters.joined(Direction::Read, half, cx.waker());
        let mut context = Context::from_waker(joined.as_ref().unwrap_or_else(|| cx.waker()));
        match self.connection.poll_verified(&mut self.input, &mut context) {
            Poll::Ready(Ok(false)) => Poll::Ready(Ok(())),
            Poll::Ready(verified) => {
                self.waiters.made_progress(Direction::Read, half);
                Poll::Ready(verified.map(drop))
            }
            Poll::Pending => {
                self.waiters.register(Direction::Read, half, cx.waker());
                Poll::Pending
            }
        }
    }

    /// Like [`poll_flush_io`](Self::poll_flush_io), without the early data that is kept for
    /// retransmission.
    fn poll_flush_handshake(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Phase::Unconfirmed { .. } = self.phase {
            return self.poll_flush_io(half, cx);
        }
        ready!(self.poll_write_io(half, cx))?;
        match self.given {
            Given::Flushed => Poll::Ready(Ok(())),
            _ => self.poll_flush_transport(half, cx),
        }
    }

    /// Finishes a handshake that is complete on our side.
    fn poll_last_flight(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        blocked: bool,
    ) -> Poll<io::Result<()>> {
        if !self.connection.is_awaited() {
            // The peer has all that it needs. If it never accepts the rest, the next write returns
            // the error.
            self.finish_early_data();
            return Poll::Ready(Ok(()));
        }
        if blocked {
            self.awaited = true;
            let blocked = !is_starved(cx);
            self.drain_io(half, cx, blocked);
            return match self.phase {
                // An alert of the peer is returned although nothing can be sent.
                Phase::Failed(_) => self.poll_failed(half, cx),
                _ => Poll::Pending,
            };
        }
        if let Some(error) = self.write_error.take() {
            return Poll::Ready(Err(error));
        }
        self.finish_early_data();
        Poll::Ready(Ok(()))
    }
}
