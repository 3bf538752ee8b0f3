//! Ciphertext that was read ahead of the engine.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

/// How much is asked of the transport at once: four records.
const SIZE: usize = 64 * 1024;

thread_local! {
    /// Inboxes hold a buffer only while it holds bytes; in between, one a thread lies here.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Ciphertext that was read from the transport and not yet taken in by the engine.
#[derive(Default)]
pub struct Inbox {
    buffer: Option<Box<[u8]>>,
    filled: Range<usize>,
    ended: bool,
}

impl Inbox {
    /// Makes one attempt at `source`, for as much as there is room.
    ///
    /// `Ok(0)` means that there is no room, or that the source has ended; once it has, it is not
    /// asked again.
    #[inline]
    pub(crate) fn fill(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        if self.ended || self.filled.end == SIZE {
            return Ok(0);
        }
        let buffer = self.buffer.get_or_insert_with(|| {
            SPARE
                .take()
                .unwrap_or_else(|| vec![0; SIZE].into_boxed_slice())
        });
        let answer = source.read(&mut buffer[self.filled.end..]);
        match answer {
            Ok(0) => self.ended = true,
            Ok(stored) => self.filled.end += stored,
            Err(_) => {}
        }
        self.release();
        answer
    }

    /// Whether no byte is left in it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.filled.is_empty()
    }

    /// Whether the source has ended and every byte of it has been taken.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.ended && self.is_empty()
    }

    /// The bytes in it.
    pub(crate) fn filled(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => &buffer[self.filled.clone()],
            None => &[],
        }
    }

    /// Drops the bytes in it.
    pub(crate) fn clear(&mut self) {
        self.filled.start = self.filled.end;
        self.release();
    }

    /// Gives the buffer back when nothing is in it.
    #[inline]
    fn release(&mut self) {
        if self.is_empty() {
            self.filled = 0..0;
            if let Some(buffer) = self.buffer.take() {
                // At the end of a thread there is no place left to put it.
                let _ = SPARE.try_with(|spare| spare.set(Some(buffer)));
            }
        }
    }
}

/// Takes bytes out.
impl Read for Inbox {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let taken = self.filled().read(buf)?;
        self.filled.start += taken;
        self.release();
        Ok(taken)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("bytes", &self.filled.len())
            .field("ended", &self.ended)
            .finish()
    }
}
