//! The bytes at the head of an [`InputBuffer`], on their way into the connection.

use std::io::{self, Read};

use super::input::InputBuffer;

/// Some bytes of an [`InputBuffer`], which are taken out of it when they have been read.
pub(super) struct First<'a> {
    input: &'a mut InputBuffer,
    given: usize,
    length: usize,
    ahead: u8,
    /// The address to which the first of them were copied, as the last ones tell, since a buffer that
    /// grows is moved.
    pub(super) target: usize,
}

impl InputBuffer {
    /// The first `length` bytes, to be given to the connection and taken out, and `ahead` bytes of
    /// the record behind them, which stays here.
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
