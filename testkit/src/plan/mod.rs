//! Plans: what a pipe is like and how its two ends misbehave, as values that can be drawn from a
//! seed, shrunk, printed and read back.

mod strategy;
mod text;

pub use strategy::{Hostility, plans};

use crate::pipe::{Answer, Control, End, Operation, pipe};

/// A pipe and the way that its ends behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many bytes the pipe holds in each direction.
    pub capacity: usize,
    /// How the first end behaves.
    pub left: Manner,
    /// How the second end behaves.
    pub right: Manner,
}

/// How one end of a pipe behaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Moves at most so many bytes in one call.
    pub at_most: Option<usize>,
    /// Keeps what is written until a flush, or until so many bytes are kept.
    pub buffer: Option<usize>,
    /// Has no vectored writes.
    pub scalar: bool,
    /// The answers to `poll_read`.
    pub read: Vec<Step>,
    /// The answers to `poll_write` and `poll_write_vectored`.
    pub write: Vec<Step>,
    /// The answers to `poll_flush`.
    pub flush: Vec<Step>,
    /// The answers to `poll_shutdown`.
    pub shutdown: Vec<Step>,
}

/// An answer in a list. After the last step of a list every answer is honest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// So many calls are answered honestly first.
    pub skip: usize,
    /// Then comes this answer.
    pub answer: Answer,
}

impl Plan {
    /// A pipe that holds `capacity` bytes and is honest.
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
