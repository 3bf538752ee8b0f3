//! Ciphertext that was read from the transport ahead of the connection.

use std::fmt;
use std::io::{self, Read};
use std::mem;

use super::framing::{self, Head};
use super::spare;
use super::{KIB, LARGEST_RECORD, ReadAhead};
use crate::error::{Error, ErrorKind};

/// Records of fewer bytes are no bulk: what follows them is read in small portions, so that a poll
/// which has done its share of work is not left with thousands of them.
const SMALL_RECORD: usize = 2 * KIB;

/// How much of a buffer may be unused while it waits for the rest of a record.
const SLACK: usize = KIB;

/// Ciphertext that was read from the transport and not yet taken in by the connection.
///
/// Always begins where a record begins, unless the connection had read part of a record before it
/// got here: then nothing is read ahead.
#[derive(Default)]
pub struct InputBuffer {
    pub(super) buffer: Option<Box<[u8]>>,
    /// Where in the buffer the bytes are: from here, to there.
    pub(super) start: u32,
    pub(super) end: u32,
    /// How many bytes before these a connection that decrypts them here keeps: parts of a message
    /// that is not whole.
    pub(super) kept: u32,
    /// What it has decrypted here and nobody has read, before what it keeps: from here, to there.
    pub(super) plaintext: (u32, u32),
    /// How many bytes of the first record the connection has been given already.
    pub(super) ahead: u8,
    bounds: ReadAhead,
    /// How many KiB are asked of the source in bulk. At first the least.
    asked: u16,
    /// Whether the last record was one of few bytes.
    after_small: bool,
    source: Source,
    /// Whether the connection has been given what may be a message to answer.
    message: bool,
    /// Whether the connection may hold room that it does not need when nothing is here.
    heavy: bool,
    /// Whether bytes go to the connection as they come, since nobody knows where records end.
    unframed: bool,
}

/// What is known of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    Open,
    Ended,
    /// It has claimed more bytes than it was offered. Nobody knows what is missing, so nothing can
    /// follow.
    Miscounted,
}

impl InputBuffer {
    /// For a connection that may have read a part of a record already.
    pub(crate) fn unframed() -> Self {
        Self {
            unframed: true,
            ..Self::default()
        }
    }

    /// Bytes that stand where a record begins.
    pub(crate) fn holding(bytes: &[u8]) -> Self {
        let mut input = Self::default();
        input.append(bytes);
        input
    }

    /// Puts bytes behind those that are here.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let size = self.filled().len() + bytes.len();
        self.room(size).copy_from_slice(bytes);
        self.end += bytes.len() as u32;
        self.release();
    }

    /// Sets the bounds of what is asked of the source from now on.
    pub(crate) fn bound(&mut self, bounds: ReadAhead) {
        self.bounds = bounds;
        self.asked = bounds.least;
    }

    /// What the first bytes are.
    #[inline]
    pub(super) fn head(&self) -> Head {
        framing::head(self.filled())
    }

    /// Whether a whole record is here.
    #[inline]
    pub(crate) fn has_record(&self) -> bool {
        matches!(self.head(), Head::Whole(_))
    }

    /// Whether records are told apart here.
    #[inline]
    pub(crate) fn is_framed(&self) -> bool {
        !self.unframed
    }

    /// Tells records apart from here, where one begins; or passes bytes on as they come from here.
    pub(super) fn set_framed(&mut self, framed: bool) {
        self.unframed = !framed;
    }

    /// Makes one attempt at `source`, for as much as is useful to a caller that has room for
    /// `wanted` bytes of plaintext.
    ///
    /// What is left over when that room is full has to go into the connection
    /// ([`Engine::stow`](super::Engine::stow)): that is sure to hold the ciphertext of one record
    /// beside the plaintext of the record before it. So the bound is that, and what is taken out
    /// until the room is full, which is at least the record at the head.
    ///
    /// `Ok(0)` means that there is no room, or that the source has ended; after that it is not
    /// asked again.
    #[inline]
    pub(crate) fn fill(&mut self, wanted: usize, source: &mut dyn Read) -> io::Result<usize> {
        let head = match self.head() {
            Head::Whole(length) | Head::Partial(Some(length)) => length,
            Head::Partial(None) | Head::Invalid => 0,
        };
        let useful = head.max(wanted) + LARGEST_RECORD;
        let asked = match self.after_small {
            true => self.bounds.least,
            false => self.asked.max(self.bounds.least),
        };
        let before = self.filled().len();
        let size = useful.min(before + usize::from(asked) * KIB);
        let stored = self.fill_to(size, source)?;
        if stored > 0 {
            self.adapt(stored, size - before, asked);
        }
        Ok(stored)
    }

    /// Makes one attempt at `source` for bytes that nobody may take out for a while, up to `most` of
    /// them: with memory for what has arrived, not for what may never arrive.
    pub(crate) fn collect(&mut self, most: usize, source: &mut dyn Read) -> io::Result<usize> {
        let doubled = (self.filled().len() + 1).next_power_of_two();
        self.fill_to(most.min(doubled.max(LARGEST_RECORD)), source)
    }

    /// Makes one attempt at `source`, for as much as there is room for in `size` bytes.
    #[inline]
    pub(crate) fn fill_to(&mut self, size: usize, source: &mut dyn Read) -> io::Result<usize> {
        if self.has_ended() || self.filled().len() >= size {
            return Ok(0);
        }
        if self.source == Source::Miscounted {
            return Err(ErrorKind::OverReported.into());
        }
        let room = self.room(size);
        let answer = source.read(room);
        match &answer {
            Ok(0) => self.end(),
            Ok(stored) => {
                self.end += *stored as u32;
                self.heavy |= *stored > 2 * KIB;
            }
            // Nobody knows how long the bytes will wait.
            Err(error) => {
                // Most of them say `WouldBlock`, and hold no error of ours.
                let own = error.get_ref().and_then(|_| Error::find(error));
                if own.is_some_and(|own| own.kind() == ErrorKind::OverReported) {
                    self.source = Source::Miscounted;
                }
                self.shrink();
            }
        }
        self.release();
        answer
    }

    /// Where what stays in the buffer begins.
    #[inline]
    fn lowest(&self) -> usize {
        match self.plaintext {
            (from, to) if from < to => from as usize,
            _ => (self.start - self.kept) as usize,
        }
    }

    /// What is left of a buffer of `size` bytes, without those that were given to the connection.
    #[inline]
    fn room(&mut self, size: usize) -> &mut [u8] {
        let lowest = self.lowest();
        let filled = lowest..self.end as usize;
        let size = size + self.start as usize - lowest;
        let length = filled.len();
        let buffer = match self.buffer.take() {
            Some(mut buffer) if buffer.len() >= size => {
                if filled.start > 0 {
                    buffer.copy_within(filled, 0);
                }
                buffer
            }
            small => {
                let mut buffer = spare::take(size);
                if let Some(small) = small {
                    buffer[..length].copy_from_slice(&small[filled]);
                }
                buffer
            }
        };
        self.lower(lowest);
        &mut self.buffer.insert(buffer)[length..size]
    }

    /// Notes that everything has moved to the beginning of the buffer, by so many bytes.
    #[inline]
    fn lower(&mut self, by: usize) {
        let by = by as u32;
        self.start -= by;
        self.end -= by;
        self.plaintext = match self.plaintext {
            (from, to) if from < to => (from - by, to - by),
            _ => (0, 0),
        };
    }

    /// Asks for more next time if there was more than was asked for, and for less if there was
    /// far less.
    #[inline]
    fn adapt(&mut self, stored: usize, offered: usize, asked: u16) {
        self.asked = if stored == offered {
            asked.saturating_mul(2).min(self.bounds.most)
        } else if stored < usize::from(asked) * KIB / 4 {
            (asked / 2).max(self.bounds.least)
        } else {
            asked
        };
    }

    /// Whether the connection may hold room that it does not need, now that nothing is here.
    #[inline]
    pub(super) fn take_heavy(&mut self) -> bool {
        mem::take(&mut self.heavy)
    }

    /// Notes that the connection has been given what brought no plaintext.
    pub(crate) fn note_message(&mut self) {
        self.message = true;
    }

    /// Whether the connection may have been given a message to answer since this was last asked.
    #[inline]
    pub(crate) fn take_message(&mut self) -> bool {
        mem::take(&mut self.message)
    }

    /// Keeps no more memory than about twice what the bytes need. With less, each byte of a peer that
    /// trickles would cost a new buffer.
    fn shrink(&mut self) {
        let filled = self.lowest()..self.end as usize;
        if filled.is_empty() {
            // All of it is given back.
            return;
        }
        let large = self
            .buffer
            .take_if(|buffer| buffer.len() > 2 * filled.len() + SLACK);
        let Some(large) = large else {
            return;
        };
        let mut small = vec![0; (filled.len() + 1).next_power_of_two()].into_boxed_slice();
        small[..filled.len()].copy_from_slice(&large[filled.clone()]);
        self.buffer = Some(small);
        self.lower(filled.start);
        spare::keep(large);
    }

    /// Whether no byte is left in it.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Notes that the source has ended.
    pub(super) fn end(&mut self) {
        self.source = Source::Ended;
    }

    /// Whether the source has ended.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.source == Source::Ended
    }

    /// The bytes in it that the connection has not been given.
    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => &buffer[self.start as usize..self.end as usize],
            None => &[],
        }
    }

    /// Notes that a record of this length is taken out.
    #[inline]
    pub(super) fn note_size(&mut self, length: usize) {
        self.after_small = length < SMALL_RECORD;
    }

    /// The record behind the first `length` bytes.
    #[inline]
    pub(super) fn behind(&self, length: usize) -> Head {
        framing::head(&self.filled()[length..])
    }

    /// Whether the connection has been given the beginning of a record.
    #[inline]
    pub(crate) fn is_ahead(&self) -> bool {
        self.ahead > 0
    }

    /// Notes that the connection has dropped what it was given ahead.
    pub(super) fn forget_ahead(&mut self) {
        self.ahead = 0;
    }

    /// Drops the bytes in it, but nothing that is decrypted.
    pub(crate) fn clear(&mut self) {
        self.start = self.end;
        self.kept = 0;
        self.release();
    }

    /// Gives the buffer back when nothing is in it.
    #[inline]
    pub(super) fn release(&mut self) {
        if self.lowest() == self.end as usize {
            (self.start, self.end, self.plaintext) = (0, 0, (0, 0));
            if let Some(buffer) = self.buffer.take() {
                spare::keep(buffer);
            }
        }
    }
}

impl fmt::Debug for InputBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputBuffer")
            .field("bytes", &self.filled().len())
            .field("source", &self.source)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each idle connection has one.
    #[test]
    fn an_input_buffer_is_small() {
        assert!(size_of::<InputBuffer>() <= 48);
    }

    #[test]
    fn a_buffer_that_is_too_small_grows_around_what_is_in_it() {
        let mut input = InputBuffer::default();
        input.fill_to(KIB, &mut &[1; KIB][..]).expect("a slice");
        input
            .first(10, 0)
            .read_exact(&mut [0; 10])
            .expect("ten bytes");
        input.fill_to(4 * KIB, &mut &[2; KIB][..]).expect("a slice");
        assert_eq!(input.filled(), [&[1; KIB - 10][..], &[2; KIB]].concat());
    }

    #[test]
    fn the_beginning_of_a_record_keeps_little_more_memory_than_it_needs() {
        let mut input = InputBuffer::default();
        input
            .fill_to(64 * KIB, &mut &[1; 3 * KIB][..])
            .expect("a slice");
        input
            .first(KIB, 0)
            .read_exact(&mut [0; KIB])
            .expect("a record");
        input.shrink();
        assert_eq!(input.buffer.as_ref().expect("a buffer").len(), 4 * KIB);
        assert_eq!(input.filled(), [1; 2 * KIB]);
        input.fill_to(64 * KIB, &mut &[2; 5][..]).expect("a slice");
        assert_eq!(input.filled(), [&[1; 2 * KIB][..], &[2; 5]].concat());
    }

    /// One that trickles, while our own bytes are blocked.
    #[test]
    fn a_buffer_is_not_made_anew_for_each_byte() {
        struct Trickle(bool);

        impl Read for Trickle {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.0 = !self.0;
                match self.0 {
                    true => (&[1][..]).read(buf),
                    false => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        }

        let (mut input, mut source) = (InputBuffer::default(), Trickle(false));
        let mut buffers = 0;
        let mut latest = std::ptr::null();
        while input.filled().len() < 200 * KIB {
            let _ = input.collect(512 * KIB, &mut source);
            let buffer = input
                .buffer
                .as_ref()
                .map_or(latest, |buffer| buffer.as_ptr());
            buffers += usize::from(buffer != latest && input.filled().len() > LARGEST_RECORD);
            latest = buffer;
        }
        assert!(buffers <= 10, "{buffers} buffers");
    }

    #[test]
    fn no_more_is_read_than_the_room_of_the_caller_and_a_record() {
        let header = [23, 3, 3, 0x40, 0x11];
        let mut bulk = header.to_vec();
        bulk.resize(200 * KIB, 0);
        for (wanted, most) in [
            (0, LARGEST_RECORD),
            (1000, 1000 + LARGEST_RECORD),
            (1 << 20, 64 * KIB),
        ] {
            let mut input = InputBuffer {
                asked: 64,
                ..InputBuffer::default()
            };
            input.fill(wanted, &mut &bulk[..]).expect("a slice");
            assert_eq!(input.filled().len(), most, "{wanted}");
        }
        // A record whose beginning is here is taken out in any case.
        let mut input = InputBuffer::holding(&header);
        input.asked = 64;
        input.fill(1, &mut &bulk[5..]).expect("a slice");
        assert_eq!(input.filled().len(), 5 + 0x4011 + LARGEST_RECORD);
    }
}
