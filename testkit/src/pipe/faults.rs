//! How one side of the pipe misbehaves.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::io;

/// An operation of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `poll_read`.
    Read,
    /// `poll_write` and `poll_write_vectored`.
    Write,
    /// `poll_flush`.
    Flush,
    /// `poll_shutdown`.
    Shutdown,
}

/// A result injected in place of the pipe's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The pipe's own result: a placeholder in a sequence.
    Honest,
    /// The pipe's own result, for at most this many bytes.
    AtMost(usize),
    /// The pipe's own result, with a wake-up in any case.
    Spurious,
    /// Pending, and the task is woken at once.
    Pending,
    /// Pending, and the task is woken after this many [steps](super::Control::step).
    Delayed(usize),
    /// Success without effect: a write accepts 0 bytes, a read returns the end of the stream, a
    /// flush or shutdown does nothing.
    Nothing,
    /// An error of this kind that contains an [`Injected`].
    Error(io::ErrorKind),
    /// The error of the operating system that has this code.
    Code(i32),
    /// A read finds that the peer is gone: what it had sent is lost, and so is what is sent to it.
    /// Other operations are not affected.
    EndOfStream,
    /// The error `ConnectionReset`, which contains an [`Injected`]. It is returned once on either
    /// side, as by a socket; after that, reads return the end of the stream and writes fail with a
    /// broken pipe.
    Reset,
    /// A panic whose payload is an [`Injected`]. The panic hook is not called, so nothing is
    /// printed.
    Panic,
    /// A write accepts what fits and reports one byte more than it was offered. Other operations
    /// are unaffected.
    TooMuch,
}

/// The payload of an injected error or panic.
#[derive(Clone, Copy, Debug)]
pub struct Injected;

impl fmt::Display for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("injected")
    }
}

impl Error for Injected {}

#[derive(Default)]
pub(super) struct Faults {
    read: Fault,
    write: Fault,
    flush: Fault,
    shutdown: Fault,
    strike: Option<(usize, Answer)>,
    silent_after: Option<usize>,
    pub(super) calls: Vec<Operation>,
    pub(super) applied: Vec<(Operation, Answer)>,
    pub(super) scalar: bool,
}

#[derive(Default)]
pub(super) struct Fault {
    pub(super) next: VecDeque<Answer>,
    pub(super) always: Option<Answer>,
    pub(super) every: Option<(usize, Answer)>,
    pub(super) at_most: Option<usize>,
    pub(super) blocked: bool,
    calls: usize,
}

impl Faults {
    pub(super) fn on(&mut self, operation: Operation) -> &mut Fault {
        match operation {
            Operation::Read => &mut self.read,
            Operation::Write => &mut self.write,
            Operation::Flush => &mut self.flush,
            Operation::Shutdown => &mut self.shutdown,
        }
    }

    /// Injects this result into the call with this number, counted from 0 over all operations.
    pub(super) fn strike(&mut self, call: usize, answer: Answer) {
        self.strike = Some((call, answer));
    }

    /// Returns `Pending` forever after this many calls.
    pub(super) fn silence_after(&mut self, calls: usize) {
        self.silent_after = Some(calls);
    }

    /// Whether the last recorded call is beyond that limit.
    pub(super) fn is_silent(&self) -> bool {
        self.silent_after
            .is_some_and(|calls| self.calls.len() > calls)
    }

    /// The result of the last recorded call.
    pub(super) fn next_answer(&mut self, operation: Operation) -> Answer {
        let answer = match self.strike {
            Some((call, answer)) if call + 1 == self.calls.len() => answer,
            _ => self.on(operation).next_answer(),
        };
        if answer != Answer::Honest {
            self.applied.push((operation, answer));
        }
        answer
    }
}

impl Fault {
    fn next_answer(&mut self) -> Answer {
        self.calls += 1;
        if let Some(answer) = self.next.pop_front() {
            return answer;
        }
        if let Some(answer) = self.always {
            return answer;
        }
        match self.every {
            Some((every, answer)) if self.calls.is_multiple_of(every) => answer,
            _ => Answer::Honest,
        }
    }

    pub(super) fn limit(&self, offered: usize) -> usize {
        self.at_most.map_or(offered, |limit| limit.min(offered))
    }
}
