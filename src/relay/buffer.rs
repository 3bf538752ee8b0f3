//! Bytes that were read and are not written yet.

use std::cell::Cell;

/// How much is read at once.
pub(super) const SIZE: usize = 128 * 1024;

thread_local! {
    /// A relay holds a buffer only while there are bytes in it. In between, each thread keeps one
    /// here.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Bytes in transit in one direction. Uses no memory while it is empty and idle.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Option<Box<[u8]>>,
    /// The range of the bytes in the buffer.
    start: u32,
    end: u32,
}

impl Buffer {
    pub(super) fn filled(&self) -> &[u8] {
        match &self.bytes {
            Some(bytes) => &bytes[self.start as usize..self.end as usize],
            None => &[],
        }
    }

    /// Whether there is space for another read. A buffer that was kept for few bytes has none.
    pub(super) fn has_room(&self) -> bool {
        self.start == self.end || self.end < SIZE as u32 && self.is_large()
    }

    fn is_large(&self) -> bool {
        matches!(&self.bytes, Some(bytes) if bytes.len() == SIZE)
    }

    /// The space for the next read, behind what is there.
    pub(super) fn room(&mut self) -> &mut [u8] {
        debug_assert!(self.has_room(), "no room");
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if !self.is_large() {
            // Not available while the thread exits.
            let spare = SPARE.try_with(Cell::take).ok().flatten();
            self.bytes = Some(spare.unwrap_or_else(|| vec![0; SIZE].into_boxed_slice()));
        }
        let bytes = self.bytes.as_mut().expect("it was just stored there");
        &mut bytes[self.end as usize..]
    }

    /// Records that `count` bytes were read into the space.
    pub(super) fn fill(&mut self, count: usize) {
        self.end += count as u32;
    }

    /// Removes the first `count` bytes.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count as u32;
    }

    pub(super) fn clear(&mut self) {
        self.start = self.end;
    }

    /// Keeps no more memory than the bytes need, since they may stay for any length of time.
    pub(super) fn rest(&mut self) {
        let filled = self.filled();
        let kept = match filled.len() {
            0 => None,
            // Copying is worthwhile only if it frees a lot of memory.
            length if length > SIZE / 2 || !self.is_large() => return,
            _ => Some(Box::from(filled)),
        };
        (self.start, self.end) = (0, filled.len() as u32);
        let Some(bytes) = std::mem::replace(&mut self.bytes, kept) else {
            return;
        };
        if bytes.len() == SIZE {
            // Not available while the thread exits.
            let _ = SPARE.try_with(|spare| spare.set(Some(bytes)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_spare() -> bool {
        let spare = SPARE.take();
        let has = spare.is_some();
        SPARE.set(spare);
        has
    }

    fn holding(count: usize) -> Buffer {
        let mut buffer = Buffer::default();
        buffer.room()[..count].fill(7);
        buffer.fill(count);
        buffer
    }

    #[test]
    fn an_empty_buffer_returns_to_its_thread() {
        let mut buffer = holding(10);
        assert!(!has_spare());
        buffer.consume(10);
        buffer.rest();
        assert!(buffer.bytes.is_none());
        assert!(has_spare());
        let again = holding(1);
        assert!(!has_spare());
        assert_eq!(again.filled(), [7]);
    }

    #[test]
    fn few_bytes_keep_no_large_buffer() {
        let mut buffer = holding(1000);
        buffer.consume(10);
        buffer.rest();
        assert!(has_spare());
        assert_eq!(buffer.bytes.as_ref().expect("bytes").len(), 990);
        assert_eq!(buffer.filled(), [7; 990]);
        // Not the buffer that a thread keeps.
        SPARE.set(None);
        buffer.clear();
        assert_eq!(buffer.room().len(), SIZE);
        let mut small = holding(1000);
        small.rest();
        SPARE.set(None);
        small.clear();
        small.rest();
        assert!(small.bytes.is_none() && !has_spare());
    }

    #[test]
    fn many_bytes_stay_where_they_are() {
        let mut buffer = holding(SIZE);
        buffer.consume(1);
        let place = buffer.filled().as_ptr();
        buffer.rest();
        assert_eq!(buffer.filled().as_ptr(), place);
        assert_eq!(buffer.filled().len(), SIZE - 1);
    }
}
