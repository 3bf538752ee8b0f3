//! What was read and is not written yet.

use std::cell::Cell;

/// How much is read at once.
pub(super) const SIZE: usize = 128 * 1024;

thread_local! {
    /// A relay holds a buffer only while there are bytes in it; in between, one a thread lies here.
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Bytes on their way in one direction. Takes no memory when it is empty and at rest.
#[derive(Default)]
pub(super) struct Buffer {
    bytes: Option<Box<[u8]>>,
    /// Where in it the bytes are: from here, to there.
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

    /// The room for the next read, of an empty buffer.
    pub(super) fn room(&mut self) -> &mut [u8] {
        debug_assert!(self.filled().is_empty(), "read before all was written");
        if self.bytes.as_ref().is_none_or(|bytes| bytes.len() < SIZE) {
            // At the end of a thread there is none any more.
            let spare = SPARE.try_with(Cell::take).ok().flatten();
            self.bytes = Some(spare.unwrap_or_else(|| vec![0; SIZE].into_boxed_slice()));
        }
        self.bytes.as_mut().expect("it was just put there")
    }

    /// Notes that the first `count` bytes of the room were filled.
    pub(super) fn fill(&mut self, count: usize) {
        (self.start, self.end) = (0, count as u32);
    }

    /// Takes out the first `count` bytes.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count as u32;
    }

    pub(super) fn clear(&mut self) {
        self.start = self.end;
    }

    /// Keeps no more memory than the bytes need: nobody knows how long they will stay.
    pub(super) fn rest(&mut self) {
        let filled = self.filled();
        let kept = match filled.len() {
            0 => None,
            // A copy is worth it only where it frees much.
            length if length > SIZE / 2 => return,
            _ => Some(Box::from(filled)),
        };
        (self.start, self.end) = (0, filled.len() as u32);
        let Some(bytes) = std::mem::replace(&mut self.bytes, kept) else {
            return;
        };
        if bytes.len() == SIZE {
            // At the end of a thread there is no place left to put it.
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
    fn an_empty_buffer_goes_back_to_its_thread() {
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
        // It is not what a thread keeps.
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
