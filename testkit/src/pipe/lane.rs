//! One direction of the pipe.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

/// Bytes in transit from one side to the other.
pub(super) struct Lane {
    capacity: usize,
    /// With a limit, bytes wait here until a flush or until the limit is reached, as in a
    /// `BufWriter`.
    hold_limit: Option<usize>,
    held: VecDeque<u8>,
    unread: VecDeque<u8>,
    accepted: Vec<u8>,
    /// No more bytes will be written.
    pub(super) closed: bool,
    /// Nothing will read the bytes.
    pub(super) abandoned: bool,
    /// The connection was reset, and the writer has not been notified.
    reset: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl Lane {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            hold_limit: None,
            held: VecDeque::new(),
            unread: VecDeque::new(),
            accepted: Vec::new(),
            closed: false,
            abandoned: false,
            reset: false,
            reader: None,
            writer: None,
        }
    }

    pub(super) fn hold_up_to(&mut self, limit: usize) {
        self.hold_limit = Some(limit);
    }

    /// Accepts a prefix of the bytes and returns its length; 0 means that there is no room.
    pub(super) fn accept(&mut self, bytes: &[u8]) -> usize {
        let room = match self.hold_limit {
            Some(limit) => {
                if self.held.len() >= limit {
                    self.deliver();
                }
                limit.saturating_sub(self.held.len())
            }
            None => self.room(),
        };
        let taken = &bytes[..bytes.len().min(room)];
        self.accepted.extend_from_slice(taken);
        match self.hold_limit {
            Some(_) => self.held.extend(taken),
            None => self.unread.extend(taken),
        }
        taken.len()
    }

    /// Moves buffered bytes to the reader and returns whether none are left.
    pub(super) fn deliver(&mut self) -> bool {
        let moved = self.held.len().min(self.room());
        self.unread.extend(self.held.drain(..moved));
        self.held.is_empty()
    }

    /// Returns a prefix of what has arrived.
    pub(super) fn take(&mut self, limit: usize) -> Vec<u8> {
        let taken = self.unread.len().min(limit);
        self.unread.drain(..taken).collect()
    }

    /// Makes bytes available to the reader, whether there is room or not.
    pub(super) fn inject(&mut self, bytes: &[u8]) {
        self.unread.extend(bytes);
    }

    /// Drops the bytes in transit, and all later ones.
    pub(super) fn cut(&mut self) {
        self.held.clear();
        self.unread.clear();
        self.closed = true;
        self.abandoned = true;
    }

    /// Reports a reset to the writer on its next call.
    pub(super) fn reset(&mut self) {
        self.reset = true;
    }

    pub(super) fn learns_of_reset(&mut self) -> bool {
        mem::take(&mut self.reset)
    }

    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    pub(super) fn accepted(&self) -> &[u8] {
        &self.accepted
    }

    /// The number of bytes that can be accepted at once.
    pub(super) fn most(&self) -> usize {
        self.hold_limit.unwrap_or_else(|| self.room())
    }

    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.unread.len())
    }
}
