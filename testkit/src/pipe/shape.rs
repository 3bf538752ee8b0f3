//! Kinds of transports that a stream has to support.

use std::io::ErrorKind;

use super::faults::{Answer, Operation};
use super::{End, pipe};

/// How both ends of a pipe behave.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The name to print when a test fails.
    pub name: &'static str,
    capacity: usize,
    at_most: Option<usize>,
    buffer: Option<usize>,
    vectored: bool,
    every_second: Option<Answer>,
}

const PLAIN: Shape = Shape {
    name: "64 KiB",
    capacity: 64 * 1024,
    at_most: None,
    buffer: None,
    vectored: true,
    every_second: None,
};

/// The shapes that every guarantee is tested with. Each of them makes progress.
pub const SHAPES: [Shape; 10] = [
    PLAIN,
    Shape {
        name: "1 byte",
        capacity: 1,
        ..PLAIN
    },
    Shape {
        name: "2 bytes",
        capacity: 2,
        ..PLAIN
    },
    Shape {
        name: "128 bytes",
        capacity: 128,
        ..PLAIN
    },
    Shape {
        name: "one byte per call",
        at_most: Some(1),
        ..PLAIN
    },
    Shape {
        name: "no vectored writes",
        vectored: false,
        ..PLAIN
    },
    Shape {
        name: "buffered",
        buffer: Some(8 * 1024),
        ..PLAIN
    },
    Shape {
        name: "buffered over 3 bytes",
        capacity: 3,
        buffer: Some(512),
        ..PLAIN
    },
    Shape {
        name: "every second call pending",
        every_second: Some(Answer::Pending),
        ..PLAIN
    },
    Shape {
        name: "every second call interrupted",
        every_second: Some(Answer::Error(ErrorKind::Interrupted)),
        ..PLAIN
    },
];

impl Shape {
    /// Opens a pipe of this shape.
    pub fn open(&self) -> (End, End) {
        let (left, right) = pipe(self.capacity);
        for end in [&left, &right] {
            self.apply(end);
        }
        (left, right)
    }

    fn apply(&self, end: &End) {
        let control = end.control();
        if let Some(bytes) = self.at_most {
            control.at_most(Operation::Read, bytes);
            control.at_most(Operation::Write, bytes);
        }
        if let Some(limit) = self.buffer {
            control.buffer(limit);
        }
        if !self.vectored {
            control.scalar();
        }
        if let Some(answer) = self.every_second {
            for operation in [Operation::Read, Operation::Write, Operation::Flush] {
                control.every(2, operation, answer);
            }
        }
    }
}
