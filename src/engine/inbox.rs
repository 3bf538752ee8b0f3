//! Ciphertext that was read ahead of the engine.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use super::LARGEST_RECORD;
use crate::error::Error;

/// The bounds of what is asked of the transport at once, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadAhead {
    pub(crate) least: u32,
    pub(crate) most: u32,
}

impl ReadAhead {
    /// A whole record, to four of them.
    pub(crate) const DEFAULT: Self = Self {
        least: LARGEST_RECORD as u32,
        most: 64 * 1024,
    };
}

impl Default for ReadAhead {
    fn default() -> Self {
        Self::DEFAULT
    }
}

thread_local! {
    /// Inboxes hold a buffer only while it holds bytes; in between, one a thread lies here: the
    /// largest that there was.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Ciphertext that was read from the transport and not yet taken in by the engine.
#[derive(Default)]
pub struct Inbox {
    buffer: Option<Box<[u8]>>,
    filled: Range<usize>,
    bounds: ReadAhead,
    /// How much is asked of the source when nothing is here. At first the least.
    asked: u32,
    ended: bool,
    /// What the source has failed with.
    failure: Option<io::Error>,
}

impl Inbox {
    pub(crate) fn new(bounds: ReadAhead) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    /// Makes one attempt at `source`, for as much as seems useful.
    ///
    /// `Ok(0)` means that there is no room, or that the source has ended. Once it has ended or
    /// failed it is not asked again: what came next might follow a hole.
    #[inline]
    pub(crate) fn fill(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.fill_to(self.asked.max(self.bounds.least) as usize, source)
    }

    /// Makes one attempt at `source`, for as much as there may be room for.
    pub(crate) fn fill_up(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.fill_to(self.bounds.most as usize, source)
    }

    #[inline]
    fn fill_to(&mut self, size: usize, source: &mut dyn Read) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(again(failure));
        }
        if self.ended {
            return Ok(0);
        }
        let room = self.room(size);
        if room.is_empty() {
            return Ok(0);
        }
        let offered = room.len();
        let answer = source.read(room);
        match &answer {
            Ok(0) => self.ended = true,
            Ok(stored) => {
                self.filled.end += stored;
                self.adapt(*stored, offered);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                _ => self.failure = Some(again(error)),
            },
        }
        self.release();
        answer
    }

    /// What is left of a buffer of `size` bytes.
    #[inline]
    fn room(&mut self, size: usize) -> &mut [u8] {
        let buffer = match self.buffer.take().or_else(|| SPARE.take()) {
            Some(buffer) if buffer.len() >= size => buffer,
            small => {
                let mut buffer = vec![0; size].into_boxed_slice();
                if let Some(small) = small {
                    buffer[self.filled.clone()].copy_from_slice(&small[self.filled.clone()]);
                }
                buffer
            }
        };
        let end = size.max(self.filled.end);
        &mut self.buffer.insert(buffer)[self.filled.end..end]
    }

    /// Asks for more next time if there was more than was asked for, and for less if there was
    /// far less.
    #[inline]
    fn adapt(&mut self, stored: usize, offered: usize) {
        let asked = self.asked.max(self.bounds.least);
        self.asked = if stored == offered {
            asked.saturating_mul(2).min(self.bounds.most)
        } else if stored < asked as usize / 4 {
            (asked / 2).max(self.bounds.least)
        } else {
            asked
        };
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
                let _ = SPARE.try_with(|spare| {
                    let other = spare.take().filter(|other| other.len() > buffer.len());
                    spare.set(Some(other.unwrap_or(buffer)));
                });
            }
        }
    }
}

/// The same error once more: its kind, its code and its message.
fn again(error: &io::Error) -> io::Error {
    if let Some(code) = error.raw_os_error() {
        return io::Error::from_raw_os_error(code);
    }
    match error.get_ref() {
        None => error.kind().into(),
        Some(inner) => match inner.downcast_ref::<Error>() {
            Some(own) => own.clone().into(),
            None => io::Error::new(error.kind(), inner.to_string()),
        },
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
            .field("failure", &self.failure)
            .finish()
    }
}
