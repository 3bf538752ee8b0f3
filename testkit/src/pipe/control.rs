//! Inspects and controls one end of the pipe.

use std::mem;

use super::faults::{Answer, Operation};
use super::wire::{Side, Wire};

/// The limit on calls of a stream: beyond it the test fails, instead of running forever.
const CALL_LIMIT: usize = 20_000_000;

/// A handle to one end, kept by the test while a stream owns the end.
#[derive(Clone, Debug)]
pub struct Control {
    wire: Wire,
    side: Side,
}

/// Counts the calls of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls, whatever the result.
    pub calls: usize,
    /// Calls that returned `Pending`.
    pub pending: usize,
    /// Bytes moved.
    pub bytes: usize,
}

/// The calls that a stream has made so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `poll_read`.
    pub read: Tally,
    /// `poll_write`.
    pub write: Tally,
    /// `poll_write_vectored`.
    pub vectored: Tally,
    /// `poll_flush`.
    pub flush: Tally,
    /// `poll_shutdown`.
    pub shutdown: Tally,
    /// How many bytes had arrived and were unread when `poll_shutdown` was first called.
    pub unread_at_shutdown: Option<usize>,
}

impl Counts {
    /// All calls that returned `Pending`.
    pub fn pending(&self) -> usize {
        self.each().map(|tally| tally.pending).sum()
    }

    /// All bytes moved, in both directions.
    pub fn moved(&self) -> usize {
        self.each().map(|tally| tally.bytes).sum()
    }

    /// Writes of both kinds.
    pub fn writes(&self) -> usize {
        self.write.calls + self.vectored.calls
    }

    fn each(&self) -> impl Iterator<Item = &Tally> {
        [
            &self.read,
            &self.write,
            &self.vectored,
            &self.flush,
            &self.shutdown,
        ]
        .into_iter()
    }
}

impl Tally {
    /// Records a result: `None` for `Pending`, otherwise the number of bytes moved.
    pub(super) fn add(&mut self, answer: Option<usize>) {
        self.calls += 1;
        assert!(
            self.calls < CALL_LIMIT,
            "spinning: too many calls of the transport"
        );
        match answer {
            Some(bytes) => self.bytes += bytes,
            None => self.pending += 1,
        }
    }
}

impl Control {
    pub(super) fn new(wire: Wire, side: Side) -> Self {
        Self { wire, side }
    }

    /// The calls made to this end so far.
    pub fn counts(&self) -> Counts {
        self.wire.locked(self.side, |view| view.own.counts)
    }

    /// Every byte that this end has accepted, whether the peer has read it or not.
    pub fn written(&self) -> Vec<u8> {
        self.wire
            .locked(self.side, |view| view.own.outgoing.accepted().to_vec())
    }

    /// How many bytes written by this end the peer has not read.
    pub fn unread_by_peer(&self) -> usize {
        self.wire
            .locked(self.side, |view| view.own.outgoing.unread())
    }

    /// How many bytes this end has not read.
    pub fn unread(&self) -> usize {
        self.wire.locked(self.side, |view| view.incoming.unread())
    }

    /// Whether this end has closed its direction.
    pub fn is_closed(&self) -> bool {
        self.wire.locked(self.side, |view| view.own.outgoing.closed)
    }

    /// Reads in place of the peer.
    pub fn take_unread_by_peer(&self) -> Vec<u8> {
        self.wire.locked(self.side, |view| {
            let writer = view.own.outgoing.writer.take();
            view.wake(writer);
            view.own.outgoing.take(usize::MAX)
        })
    }

    /// Makes bytes available to this end as if the peer had written them.
    pub fn inject(&self, bytes: &[u8]) {
        self.wire.locked(self.side, |view| {
            view.incoming.inject(bytes);
            let reader = view.incoming.reader.take();
            view.wake(reader);
        });
    }

    /// Ends the stream that this end reads, after the unread bytes.
    pub fn end_of_stream(&self) {
        self.wire.locked(self.side, |view| {
            view.incoming.closed = true;
            let reader = view.incoming.reader.take();
            view.wake(reader);
        });
    }

    /// Returns these results from the next calls, one each.
    pub fn script(&self, operation: Operation, answers: impl IntoIterator<Item = Answer>) {
        self.wire.locked(self.side, |view| {
            view.own.faults.on(operation).next.extend(answers);
        });
    }

    /// Returns this result from each call after the script.
    pub fn always(&self, operation: Operation, answer: Answer) {
        self.wire.locked(self.side, |view| {
            view.own.faults.on(operation).always = Some(answer)
        });
    }

    /// Returns this result from every `every`-th call.
    ///
    /// # Panics
    ///
    /// If `every` is less than two, which would leave no call that can make progress.
    pub fn every(&self, every: usize, operation: Operation, answer: Answer) {
        assert!(every > 1, "some calls must not be affected");
        self.wire.locked(self.side, |view| {
            view.own.faults.on(operation).every = Some((every, answer));
        });
    }

    /// Returns this result from the call with this number, counted from 0 over all operations.
    pub fn strike(&self, call: usize, answer: Answer) {
        self.wire
            .locked(self.side, |view| view.own.faults.strike(call, answer));
    }

    /// Performs this many calls, counted over all operations. Later ones return `Pending`, and
    /// nothing is woken.
    pub fn silence_after(&self, calls: usize) {
        self.wire
            .locked(self.side, |view| view.own.faults.silence_after(calls));
    }

    /// Every call to this end so far.
    pub fn calls(&self) -> Vec<Operation> {
        self.wire
            .locked(self.side, |view| view.own.faults.calls.clone())
    }

    /// The injected results, and the operations that they were returned from.
    pub fn applied(&self) -> Vec<(Operation, Answer)> {
        self.wire
            .locked(self.side, |view| view.own.faults.applied.clone())
    }

    /// Advances this end by one step; returns whether a task is still to be woken by a later one.
    pub fn step(&self) -> bool {
        self.wire.locked(self.side, |view| {
            let timers = mem::take(&mut view.own.timers);
            for (operation, steps) in timers {
                match steps.checked_sub(1) {
                    Some(left) => view.own.timers.push((operation, left)),
                    None => view.unpark(operation),
                }
            }
            !view.own.timers.is_empty()
        })
    }

    /// Moves at most this many bytes in one call.
    pub fn at_most(&self, operation: Operation, bytes: usize) {
        self.wire.locked(self.side, |view| {
            view.own.faults.on(operation).at_most = Some(bytes)
        });
    }

    /// Buffers writes until a flush, or until `limit` bytes are buffered.
    pub fn buffer(&self, limit: usize) {
        self.wire
            .locked(self.side, |view| view.own.outgoing.hold_up_to(limit));
    }

    /// Does not support vectored writes.
    pub fn scalar(&self) {
        self.wire
            .locked(self.side, |view| view.own.faults.scalar = true);
    }

    /// Returns `Pending` from each call until [`unblock`](Self::unblock).
    pub fn block(&self, operation: Operation) {
        self.wire.locked(self.side, |view| {
            view.own.faults.on(operation).blocked = true
        });
    }

    /// Ends [`block`](Self::block) and wakes the task that waits.
    pub fn unblock(&self, operation: Operation) {
        self.wire.locked(self.side, |view| {
            view.own.faults.on(operation).blocked = false;
            view.unpark(operation);
        });
    }
}
