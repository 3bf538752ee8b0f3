//! The bytes at the beginning of an [`InputBuffer`], while they are passed to the connection.

use std::io::{self, Read};

use super::input::InputBuffer;

/// Bytes of an [`InputBuffer`], which are removed once they are read.
pub(super) struct First<'a> {
    input: &'a mut InputBuffer,
    given: usize,
    length: usize,
    ahead: u8,
    /// The address to which the first byte was copied. Computed from the last bytes, since a buffer
    /// that grows may move.
    pub(super) target: usize,
}

impl InputBuffer {
    /// The first `length` bytes, to be read and removed, followed by `ahead` bytes of the next
    /// record, which are read but not removed.
    #[inline]
    pub(super) fn first(&mut self, length: usize, ahead: u8) -> First<'_> {
        self.note_size(length);
        First {
            given: usize::from(self.ahead),
            length,
            ahead,
            target: 0,
            input: self,
        }
    }
}

impl First<'_> {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.given == self.length + usize::from(self.ahead)
    }
}

impl Read for First<'_> {
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let end = self.length + usize::from(self.ahead);
        let taken = (&self.input.filled()[self.given..end]).read(buf)?;
        self.target = (buf.as_ptr() as usize).wrapping_sub(self.given);
        self.given += taken;
        Ok(taken)
    }
}

impl Drop for First<'_> {
    #[inline]
    fn drop(&mut self) {
        let done = self.given.min(self.length);
        self.input.start += done as u32;
        self.input.ahead = (self.given - done) as u8;
        self.input.release();
    }
}
