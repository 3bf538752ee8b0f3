//! Bytes in one direction.
//!
//! ```text
//!          the source ends            shut down
//!   Open ──────────────────► Closing ───────────► Closed     in order
//!    │ ╲                        │
//!    │  ╲ a write fails         │ it fails
//!    │   ╲                      ▼
//!    │    ►  Discarding ─────► Discarded                     what the source still sends is dropped
//!    │            │ the source fails
//!    ▼            ▼
//!   Breaking ──► Broken                                      the relay ends
//! ```

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::buffer::Buffer;
use super::endpoint::Endpoint;
use super::error::Cause;
use crate::callback::{Attempt, Callback, poll_attempt, unbudgeted};
use crate::error::ErrorKind;

/// How many attempts one poll makes in each direction before other tasks run.
const ATTEMPTS: usize = 64;

/// One direction.
pub(super) struct Flow {
    /// Convert failures of the source and of the destination into causes.
    source: fn(io::Error) -> Cause,
    destination: fn(io::Error) -> Cause,
    state: State,
    buffer: Buffer,
    moved: u64,
    /// Whether bytes were written since the destination was last flushed.
    unflushed: bool,
    /// Whether a write has failed such that a read of the destination may return a clean end of
    /// stream.
    masks_reset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Closing,
    Closed,
    Discarding,
    Discarded,
    Breaking,
    Broken,
}

/// State shared by both directions.
pub(super) struct Common {
    /// How many bytes may still be moved.
    pub(super) quota: u64,
    /// The first failure.
    pub(super) cause: Option<Cause>,
}

impl Flow {
    pub(super) fn new(source: fn(io::Error) -> Cause, destination: fn(io::Error) -> Cause) -> Self {
        Self {
            source,
            destination,
            state: State::Open,
            buffer: Buffer::default(),
            moved: 0,
            unflushed: false,
            masks_reset: false,
        }
    }

    /// How many bytes were written to the destination.
    pub(super) fn moved(&self) -> u64 {
        self.moved
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn masks_reset(&self) -> bool {
        self.masks_reset
    }

    /// The bytes that were read and are not written yet.
    pub(super) fn pending(&self) -> &[u8] {
        self.buffer.filled()
    }

    /// Moves bytes until it has to wait. `is_end_doubtful` means that a clean end of the source may
    /// hide a reset.
    pub(super) fn poll<R: Endpoint, W: Endpoint>(
        &mut self,
        from: &mut R,
        to: &mut W,
        is_end_doubtful: bool,
        common: &mut Common,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let polled = self.poll_attempts(from, to, is_end_doubtful, common, cx);
        self.buffer.rest();
        polled
    }

    fn poll_attempts<R: Endpoint, W: Endpoint>(
        &mut self,
        from: &mut R,
        to: &mut W,
        is_end_doubtful: bool,
        common: &mut Common,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        // Whether the source has nothing more for now.
        let mut is_dry = false;
        for _ in 0..ATTEMPTS {
            match self.state {
                // All that has arrived, so that it takes few writes.
                State::Open | State::Discarding if !is_dry && self.buffer.has_room() => {
                    let read = self.poll_read(from, is_end_doubtful, common, cx);
                    is_dry = read.is_pending();
                }
                State::Open | State::Closing if !self.pending().is_empty() => {
                    ready!(self.poll_write(to, common, cx));
                }
                State::Breaking if !self.pending().is_empty() && common.quota > 0 => {
                    ready!(self.poll_write(to, common, cx));
                }
                State::Open | State::Discarding => {
                    // It may take long until the next bytes arrive.
                    if self.unflushed {
                        ready!(self.poll_flush(to, common, cx));
                    }
                    return Poll::Pending;
                }
                State::Closing => ready!(self.poll_shutdown(to, common, cx)),
                State::Breaking if self.unflushed => ready!(self.poll_flush(to, common, cx)),
                State::Breaking => self.state = State::Broken,
                State::Closed | State::Discarded | State::Broken => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_write<W: Endpoint>(
        &mut self,
        to: &mut W,
        common: &mut Common,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let pending = self.buffer.filled();
        let most = pending
            .len()
            .min(common.quota.try_into().unwrap_or(usize::MAX));
        if most == 0 {
            common.cause.get_or_insert(Cause::ByteLimit);
            self.state = State::Breaking;
            return Poll::Ready(());
        }
        let written = ready!(poll_attempt(cx, |cx| {
            Attempt::new(Pin::new(&mut *to), cx).write(&pending[..most])
        }));
        match written {
            Ok(0) => self.refused(ErrorKind::WriteZero.into(), common),
            Ok(count) => {
                self.buffer.consume(count);
                self.moved += count as u64;
                common.quota -= count as u64;
                self.unflushed = true;
            }
            Err(error) => self.refused(error, common),
        }
        Poll::Ready(())
    }

    fn poll_read<R: Endpoint>(
        &mut self,
        from: &mut R,
        is_end_doubtful: bool,
        common: &mut Common,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let room = self.buffer.room();
        let read = ready!(poll_attempt(cx, |cx| {
            Attempt::new(Pin::new(&mut *from), cx).read(room)
        }));
        match read {
            Ok(0) if is_end_doubtful && !from.is_end_authenticated() => {
                self.state = State::Breaking;
            }
            Ok(0) => {
                self.state = match self.state {
                    State::Discarding => State::Discarded,
                    _ => State::Closing,
                }
            }
            Ok(_) if self.state == State::Discarding => {}
            Ok(count) => self.buffer.fill(count),
            Err(error) => {
                common.cause.get_or_insert_with(|| (self.source)(error));
                self.state = State::Breaking;
            }
        }
        Poll::Ready(())
    }

    /// Flushes the destination.
    fn poll_flush<W: Endpoint>(
        &mut self,
        to: &mut W,
        common: &mut Common,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let flushed = ready!(poll_attempt(cx, |cx| {
            Attempt::new(Pin::new(&mut *to), cx).flush()
        }));
        self.unflushed = false;
        if let Err(error) = flushed {
            self.refused(error, common);
        }
        Poll::Ready(())
    }

    fn poll_shutdown<W: Endpoint>(
        &mut self,
        to: &mut W,
        common: &mut Common,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let shut = ready!(poll_attempt(cx, |cx| {
            Attempt::new(Pin::new(&mut *to), cx).shutdown()
        }));
        self.unflushed = false;
        match shut {
            // The peer has closed already. Whether its data was complete is known to the reading
            // direction.
            Err(error) if error.kind() != io::ErrorKind::NotConnected => {
                self.refused(error, common);
            }
            _ => self.state = State::Closed,
        }
        Poll::Ready(())
    }

    /// Continues without the destination: data that it has sent is still relayed, and data from the
    /// source is discarded meanwhile, so that no reset overtakes it.
    fn refused(&mut self, error: io::Error, common: &mut Common) {
        // A broken pipe means that the reader has closed normally.
        self.masks_reset = error.kind() != io::ErrorKind::BrokenPipe;
        common
            .cause
            .get_or_insert_with(|| (self.destination)(error));
        self.buffer.clear();
        self.unflushed = false;
        self.state = match self.state {
            State::Closing => State::Discarded,
            State::Breaking => State::Broken,
            _ => State::Discarding,
        };
    }

    /// Makes one more attempt to flush, before the relay ends.
    pub(super) fn flush_last<W: Endpoint>(&mut self, to: &mut W, cx: &mut Context<'_>) {
        if self.unflushed {
            // Nothing waits for the result, and the destination has not failed.
            let _ = unbudgeted(cx, |cx| Pin::new(&mut *to).poll_flush(cx));
        }
    }
}
