//! How one side of the pipe misbehaves.

use std::collections::VecDeque;
use std::io;

/// What a stream can ask of its transport.
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

/// An answer that the pipe would not give of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What the pipe would have answered: a place holder in a sequence.
    Honest,
    /// Pending, and the task is woken at once.
    Pending,
    /// Success in which nothing is done: a write takes 0 bytes, a read meets the end of the stream,
    /// a flush or shutdown only pretends.
    Nothing,
    /// An error of this kind, with the message `injected`.
    Error(io::ErrorKind),
    /// A write takes everything and claims one byte more. Other operations are honest.
    TooMuch,
}

#[derive(Default)]
pub(super) struct Faults {
    read: Fault,
    write: Fault,
    flush: Fault,
    shutdown: Fault,
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
}

impl Fault {
    /// What to answer to the next call.
    pub(super) fn next_answer(&mut self) -> Answer {
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
