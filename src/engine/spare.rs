//! A buffer for each thread: a stream holds one only while there are bytes in it, and in between
//! the thread keeps the largest.

use std::cell::Cell;

thread_local! {
    static SPARE: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// A buffer of at least `size` bytes.
#[inline]
pub(super) fn take(size: usize) -> Box<[u8]> {
    // Not available while the thread exits.
    let spare = SPARE.try_with(Cell::take).ok().flatten();
    spare
        .filter(|spare| spare.len() >= size)
        .unwrap_or_else(|| vec![0; size].into_boxed_slice())
}

/// Keeps the larger of `buffer` and the one that this thread already has.
#[inline]
pub(super) fn keep(buffer: Box<[u8]>) {
    // Not available while the thread exits.
    let _ = SPARE.try_with(|spare| {
        let other = spare.take().filter(|other| other.len() > buffer.len());
        spare.set(Some(other.unwrap_or(buffer)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Option<usize> {
        let buffer = SPARE.take();
        let size = buffer.as_ref().map(|buffer| buffer.len());
        SPARE.set(buffer);
        size
    }

    #[test]
    fn a_thread_keeps_the_largest_buffer() {
        let (large, small) = (take(8000), take(2000));
        keep(large);
        assert_eq!(kept(), Some(8000));
        keep(small);
        assert_eq!(kept(), Some(8000));
        // Where more is needed there is more from then on.
        let larger = take(9000);
        assert_eq!(kept(), None);
        keep(larger);
        assert_eq!(kept(), Some(9000));
        assert_eq!(take(1).len(), 9000);
    }
}
