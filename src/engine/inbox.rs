//! Ciphertext that was read ahead of the engine.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::mem;

use super::LARGEST_RECORD;
use crate::error::Error;

/// The bounds of what is asked of the transport at once, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadAhead {
    pub(crate) least: u16,
    pub(crate) most: u16,
}

impl ReadAhead {
    /// A whole record, to four of them.
    pub(crate) const DEFAULT: Self = Self {
        least: LARGEST_RECORD.div_ceil(KIB) as u16,
        most: 64,
    };
}

impl Default for ReadAhead {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const KIB: usize = 1024;

thread_local! {
    /// Inboxes hold a buffer only while it holds bytes; in between, one a thread lies here: the
    /// largest that there was.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Ciphertext that was read from the transport and not yet taken in by the engine.
#[derive(Default)]
pub struct Inbox {
    buffer: Option<Box<[u8]>>,
    /// Where in the buffer the bytes lie: from here, to there.
    taken: u32,
    filled: u32,
    bounds: ReadAhead,
    /// How many KiB are asked of the source when nothing is here. At first the least.
    asked: u16,
    ended: bool,
    /// Whether so much was here, or so little of use, that the engine may have made room for it.
    heavy: bool,
    /// What the source has failed with.
    failure: Option<io::Error>,
}

impl Inbox {
    /// Sets the bounds of what is asked of the source from now on.
    pub(crate) fn bound(&mut self, bounds: ReadAhead) {
        self.bounds = bounds;
        self.asked = bounds.least;
    }

    /// Makes one attempt at `source`, for as much as seems useful.
    ///
    /// `Ok(0)` means that there is no room, or that the source has ended. Once it has ended or
    /// failed it is not asked again: what came next might follow a hole.
    #[inline]
    pub(crate) fn fill(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.fill_to(self.asked.max(self.bounds.least), source)
    }

    /// Makes one attempt at `source`, for as much as there may be room for.
    pub(crate) fn fill_up(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.fill_to(self.bounds.most, source)
    }

    #[inline]
    fn fill_to(&mut self, size: u16, source: &mut dyn Read) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(again(failure));
        }
        if self.ended {
            return Ok(0);
        }
        let room = self.room(usize::from(size) * KIB);
        if room.is_empty() {
            return Ok(0);
        }
        let offered = room.len();
        let answer = source.read(room);
        match &answer {
            Ok(0) => self.ended = true,
            Ok(stored) => {
                self.filled += *stored as u32;
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
        let filled = self.filled as usize;
        let buffer = match self.buffer.take().or_else(|| SPARE.take()) {
            Some(buffer) if buffer.len() >= size => buffer,
            small => {
                let mut buffer = vec![0; size].into_boxed_slice();
                if let Some(small) = small {
                    buffer[..filled].copy_from_slice(&small[..filled]);
                }
                buffer
            }
        };
        &mut self.buffer.insert(buffer)[filled..size.max(filled)]
    }

    /// Asks for more next time if there was more than was asked for, and for less if there was
    /// far less.
    #[inline]
    fn adapt(&mut self, stored: usize, offered: usize) {
        let asked = self.asked.max(self.bounds.least);
        self.asked = if stored == offered {
            asked.saturating_mul(2).min(self.bounds.most)
        } else if stored < usize::from(asked) * KIB / 4 {
            (asked / 2).max(self.bounds.least)
        } else {
            asked
        };
        self.heavy |= stored > 2 * KIB;
    }

    /// Notes that what was taken out came to no plaintext.
    #[inline]
    pub(crate) fn note_incomplete(&mut self) {
        self.heavy = true;
    }

    /// Whether the engine may hold room that it does not need, now that nothing is here.
    #[inline]
    pub(crate) fn take_heavy(&mut self) -> bool {
        mem::take(&mut self.heavy)
    }

    /// Whether no byte is left in it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.taken == self.filled
    }

    /// Whether the source has ended and every byte of it has been taken.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.ended && self.is_empty()
    }

    /// The bytes in it.
    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => &buffer[self.taken as usize..self.filled as usize],
            None => &[],
        }
    }

    /// Drops the bytes in it.
    pub(crate) fn clear(&mut self) {
        self.taken = self.filled;
        self.release();
    }

    /// Gives the buffer back when nothing is in it.
    #[inline]
    fn release(&mut self) {
        if self.is_empty() {
            (self.taken, self.filled) = (0, 0);
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
    #[inline]
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let taken = self.filled().read(buf)?;
        self.taken += taken as u32;
        self.release();
        Ok(taken)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("bytes", &self.filled().len())
            .field("ended", &self.ended)
            .field("failure", &self.failure)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spare() -> usize {
        let buffer = SPARE.take().expect("a buffer of this thread");
        let size = buffer.len();
        SPARE.set(Some(buffer));
        size
    }

    #[test]
    fn a_thread_keeps_the_largest_buffer() {
        let inbox = |most| Inbox {
            bounds: ReadAhead { least: 1, most },
            ..Inbox::default()
        };
        let (mut large, mut small) = (inbox(8), inbox(2));
        large.fill_up(&mut &b"large"[..]).expect("a slice");
        small.fill_up(&mut &b"small"[..]).expect("a slice");
        large.clear();
        assert_eq!(spare(), 8 * KIB);
        small.clear();
        assert_eq!(spare(), 8 * KIB);
        // Where more is needed there is more from then on.
        let mut larger = inbox(9);
        larger.fill_up(&mut &b"larger"[..]).expect("a slice");
        larger.clear();
        assert_eq!(spare(), 9 * KIB);
    }

    #[test]
    fn a_buffer_that_is_too_small_grows_around_what_is_in_it() {
        let mut inbox = Inbox::default();
        inbox.bound(ReadAhead { least: 1, most: 4 });
        inbox.fill(&mut &[1; KIB][..]).expect("a slice");
        inbox.fill_up(&mut &[2; KIB][..]).expect("a slice");
        assert_eq!(inbox.filled(), [[1; KIB], [2; KIB]].concat());
    }
}
