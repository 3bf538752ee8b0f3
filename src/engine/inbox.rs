//! Ciphertext that was read ahead of the engine.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use crate::error::Error;

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
    /// What the source has failed with.
    failure: Option<io::Error>,
}

impl Inbox {
    /// Makes one attempt at `source`, for as much as there is room.
    ///
    /// `Ok(0)` means that there is no room, or that the source has ended. Once it has ended or
    /// failed it is not asked again: what came next might follow a hole.
    #[inline]
    pub(crate) fn fill(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(again(failure));
        }
        if self.ended || self.filled.end == SIZE {
            return Ok(0);
        }
        let buffer = self.buffer.get_or_insert_with(|| {
            SPARE
                .take()
                .unwrap_or_else(|| vec![0; SIZE].into_boxed_slice())
        });
        let answer = source.read(&mut buffer[self.filled.end..]);
        match &answer {
            Ok(0) => self.ended = true,
            Ok(stored) => self.filled.end += stored,
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                _ => self.failure = Some(again(error)),
            },
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
