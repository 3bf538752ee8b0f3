//! Ciphertext that was read from the transport ahead of the connection.

use std::fmt;
use std::io::{self, Read};
use std::mem;

use super::framing::{self, Head};
use super::spare;
use super::{KIB, LARGEST_RECORD, ReadAhead};
use crate::error::{Error, ErrorKind};

/// After a shorter record, reads are small, so that a poll that has spent its budget is not left
/// with thousands of records.
const SMALL_RECORD: usize = 2 * KIB;

/// How much of a buffer may be unused while it waits for the rest of a record.
const SLACK: usize = KIB;

/// Ciphertext that was read from the transport and not yet passed to the connection.
///
/// Begins at a record boundary, unless the connection had read part of a record before: then
/// nothing is read ahead.
#[derive(Default)]
pub struct InputBuffer {
    pub(super) buffer: Option<Box<[u8]>>,
    /// The range of the bytes in the buffer.
    pub(super) start: u32,
    pub(super) end: u32,
    /// How many bytes before `start` the connection keeps here while it decrypts in place: parts of
    /// an incomplete message.
    pub(super) kept: u32,
    /// The range of the unread plaintext decrypted here, before the bytes it keeps.
    pub(super) plaintext: (u32, u32),
    /// How many bytes of the first record were already passed to the connection.
    pub(super) ahead: u8,
    bounds: ReadAhead,
    /// How many KiB to read at once; initially the minimum.
    asked: u16,
    /// Whether the last record was a small one.
    after_small: bool,
    source: Source,
    /// Whether the connection has received what may be a message to respond to.
    message: bool,
    /// Whether the connection may hold memory that it does not need while this is empty.
    heavy: bool,
    /// Whether bytes are passed on as they arrive, since record boundaries are unknown.
    unframed: bool,
}

/// The state of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    Open,
    Ended,
    /// It has claimed more bytes than it was offered. It is unknown which are missing, so nothing
    /// can follow.
    Miscounted,
}

impl InputBuffer {
    /// For a connection that may have read a partial record already.
    pub(crate) fn unframed() -> Self {
        Self {
            unframed: true,
            ..Self::default()
        }
    }

    /// Holds bytes that begin at a record boundary.
    pub(crate) fn holding(bytes: &[u8]) -> Self {
        let mut input = Self::default();
        input.append(bytes);
        input
    }

    /// Appends bytes.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let size = self.filled().len() + bytes.len();
        self.room(size).copy_from_slice(bytes);
        self.end += bytes.len() as u32;
        self.release();
    }

    /// Sets the bounds for the size of reads.
    pub(crate) fn bound(&mut self, bounds: ReadAhead) {
        self.bounds = bounds;
        self.asked = bounds.least;
    }

    /// What the buffer begins with.
    #[inline]
    pub(super) fn head(&self) -> Head {
        framing::head(self.filled())
    }

    /// The same for a buffer that may begin in the middle of a record.
    pub(super) fn likely_head(&self) -> Head {
        framing::likely_head(self.filled())
    }

    /// Whether it begins with a complete record.
    #[inline]
    pub(crate) fn has_record(&self) -> bool {
        matches!(self.head(), Head::Whole(_))
    }

    /// Whether record boundaries are known.
    #[inline]
    pub(crate) fn is_framed(&self) -> bool {
        !self.unframed
    }

    /// Sets whether record boundaries are known, starting with the first byte.
    pub(super) fn set_framed(&mut self, framed: bool) {
        self.unframed = !framed;
    }

    /// Makes one attempt to read from `source`, as much as is useful to a caller that has room for
    /// `wanted` bytes of plaintext.
    ///
    /// Whatever is left over when that room is full must fit into the connection
    /// ([`Engine::stow`](super::Engine::stow)), which can hold the ciphertext of one record in
    /// addition to the plaintext of the previous one. So the bound is that record, plus the bytes
    /// consumed until the room is full: at least the first record.
    ///
    /// `Ok(0)` means that there is no room, or that the source has ended; it is not called again
    /// after its end.
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

    /// Makes one attempt to read bytes that may stay here for a while, until `most` are buffered.
    /// Allocates for what has arrived, not for what may never arrive.
    pub(crate) fn collect(&mut self, most: usize, source: &mut dyn Read) -> io::Result<usize> {
        let doubled = (self.filled().len() + 1).next_power_of_two();
        self.fill_to(most.min(doubled.max(LARGEST_RECORD)), source)
    }

    /// Makes one attempt to read from `source`, as much as fits into a buffer of `size` bytes.
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
            // It is unknown how long the bytes will stay here.
            Err(error) => {
                // Most of them are `WouldBlock` and contain no error of ours.
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

    /// Where the bytes that have to stay in the buffer begin.
    #[inline]
    fn lowest(&self) -> usize {
        match self.plaintext {
            (from, to) if from < to => from as usize,
            _ => (self.start - self.kept) as usize,
        }
    }

    /// The free part of a buffer of `size` bytes, after removing those already passed to the
    /// connection.
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

    /// Adjusts the ranges after everything was moved towards the beginning of the buffer by this
    /// many bytes.
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

    /// Reads more next time if the source filled the offered space, and less if it filled little of
    /// it.
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

    /// Whether the connection may hold memory that it does not need, now that this is empty; clears
    /// the flag.
    #[inline]
    pub(super) fn take_heavy(&mut self) -> bool {
        mem::take(&mut self.heavy)
    }

    /// Records that the connection has received data that yielded no plaintext.
    pub(crate) fn note_message(&mut self) {
        self.message = true;
    }

    /// Whether the connection may have received a message to respond to; clears the flag.
    #[inline]
    pub(crate) fn take_message(&mut self) -> bool {
        mem::take(&mut self.message)
    }

    /// Keeps at most about twice the memory that the bytes need. With a lower limit, a peer that
    /// sends single bytes would cause an allocation for each.
    fn shrink(&mut self) {
        let filled = self.lowest()..self.end as usize;
        if filled.is_empty() {
            // The whole buffer is released.
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

    /// Whether it is empty.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Records that the source has ended.
    pub(super) fn end(&mut self) {
        self.source = Source::Ended;
    }

    /// Whether the source has ended.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.source == Source::Ended
    }

    /// The bytes that were not passed to the connection.
    #[inline]
    pub(crate) fn filled(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => &buffer[self.start as usize..self.end as usize],
            None => &[],
        }
    }

    /// Records the length of a record that is removed.
    #[inline]
    pub(super) fn note_size(&mut self, length: usize) {
        self.after_small = length < SMALL_RECORD;
    }

    /// The record after the first `length` bytes.
    #[inline]
    pub(super) fn behind(&self, length: usize) -> Head {
        framing::head(&self.filled()[length..])
    }

    /// Whether the connection has received the beginning of the first record.
    #[inline]
    pub(crate) fn is_ahead(&self) -> bool {
        self.ahead > 0
    }

    /// Records that the connection has dropped the bytes received ahead.
    pub(super) fn forget_ahead(&mut self) {
        self.ahead = 0;
    }

    /// Drops the ciphertext, but no decrypted bytes.
    pub(crate) fn clear(&mut self) {
        self.start = self.end;
        self.kept = 0;
        self.release();
    }

    /// Releases the buffer if it is empty.
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
    fn a_buffer_that_is_too_small_grows_and_keeps_its_bytes() {
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

    #[test]
    fn a_buffer_that_is_not_much_too_large_stays() {
        for (size, shrunk) in [(2 * 100 + KIB, false), (2 * 100 + KIB + 1, true)] {
            let mut input = InputBuffer::default();
            // The thread may have a larger buffer to spare.
            drop(spare::take(0));
            input.fill_to(size, &mut &[1; 100][..]).expect("a slice");
            input.shrink();
            let length = input.buffer.as_ref().map(|buffer| buffer.len());
            assert_eq!(length, Some(if shrunk { 128 } else { size }));
        }
    }

    #[test]
    fn more_than_two_kib_at_once_may_leave_the_connection_with_memory() {
        let mut input = InputBuffer::default();
        for (stored, heavy) in [(2 * KIB, false), (2 * KIB + 1, true), (1, false)] {
            let bytes = vec![0; stored];
            input.fill_to(64 * KIB, &mut &bytes[..]).expect("a slice");
            assert_eq!(input.take_heavy(), heavy, "{stored}");
        }
        for stored in [2 * KIB + 1, 1] {
            let bytes = vec![0; stored];
            input.fill_to(64 * KIB, &mut &bytes[..]).expect("a slice");
        }
        assert!(input.take_heavy());
    }

    /// A peer that sends single bytes, while our own writes are blocked.
    #[test]
    fn a_buffer_is_not_reallocated_for_each_byte() {
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
        // A record that has begun to arrive is always completed.
        let mut input = InputBuffer::holding(&header);
        input.asked = 64;
        input.fill(1, &mut &bulk[5..]).expect("a slice");
        assert_eq!(input.filled().len(), 5 + 0x4011 + LARGEST_RECORD);
    }
}
