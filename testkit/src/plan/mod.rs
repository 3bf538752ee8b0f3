//! Plans: the properties of a pipe and the faults of its two ends, as values that can be generated
//! from a seed, shrunk, printed and parsed.

mod strategy;
mod text;

pub use strategy::{Hostility, plans};

use crate::pipe::{Answer, Control, End, Operation, pipe};

/// A pipe and the behaviour of its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The capacity of the pipe in each direction, in bytes.
    pub capacity: usize,
    /// The behaviour of the first end.
    pub left: Manner,
    /// The behaviour of the second end.
    pub right: Manner,
}

/// The behaviour of one end of a pipe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Moves at most this many bytes in one call.
    pub at_most: Option<usize>,
    /// Buffers writes until a flush, or until this many bytes are buffered.
    pub buffer: Option<usize>,
    /// Does not support vectored writes.
    pub scalar: bool,
    /// The results of `poll_read`.
    pub read: Vec<Step>,
    /// The results of `poll_write` and `poll_write_vectored`.
    pub write: Vec<Step>,
    /// The results of `poll_flush`.
    pub flush: Vec<Step>,
    /// The results of `poll_shutdown`.
    pub shutdown: Vec<Step>,
}

/// A result in a list. After the last step of a list no more results are injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many calls return the pipe's own result before.
    pub skip: usize,
    /// The injected result.
    pub answer: Answer,
}

impl Plan {
    /// A pipe that holds `capacity` bytes and has no faults.
    pub fn honest(capacity: usize) -> Self {
        Self {
            capacity,
            left: Manner::default(),
            right: Manner::default(),
        }
    }

    /// Opens the pipe.
    pub fn open(&self) -> (End, End) {
        let (left, right) = pipe(self.capacity);
        self.left.apply(&left.control());
        self.right.apply(&right.control());
        (left, right)
    }
}

impl Manner {
    fn apply(&self, control: &Control) {
        if let Some(bytes) = self.at_most {
            control.at_most(Operation::Read, bytes);
            control.at_most(Operation::Write, bytes);
        }
        if let Some(limit) = self.buffer {
            control.buffer(limit);
        }
        if self.scalar {
            control.scalar();
        }
        for (operation, steps) in self.lists() {
            for step in steps {
                let honest = std::iter::repeat_n(Answer::Honest, step.skip);
                control.script(operation, honest.chain([step.answer]));
            }
        }
    }

    fn lists(&self) -> [(Operation, &Vec<Step>); 4] {
        [
            (Operation::Read, &self.read),
            (Operation::Write, &self.write),
            (Operation::Flush, &self.flush),
            (Operation::Shutdown, &self.shutdown),
        ]
    }
}
