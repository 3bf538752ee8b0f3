//! How much is read from the transport ahead of the connection.

use super::{KIB, LARGEST_RECORD};

/// The bounds of the size of reads from the transport, in KiB.
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

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::*;
    use crate::engine::InputBuffer;

    /// A source that notes how much it was asked for.
    struct Source {
        gives: usize,
        asked: usize,
    }

    impl Read for Source {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.asked = buf.len();
            Ok(self.gives.min(buf.len()))
        }
    }

    /// How much a reader with room for everything asks of a source that gives so much.
    fn asked(input: &mut InputBuffer, gives: usize) -> usize {
        let mut source = Source { gives, asked: 0 };
        input.fill(1 << 20, &mut source).expect("a source");
        source.asked
    }

    fn input() -> InputBuffer {
        let mut input = InputBuffer::default();
        input.bound(ReadAhead { least: 4, most: 16 });
        input
    }

    #[test]
    fn reads_grow_while_they_are_filled_and_shrink_while_little_comes() {
        let mut input = input();
        let mut asked = |gives| {
            let asked = asked(&mut input, gives);
            input.clear();
            asked / KIB
        };
        for expected in [4, 8, 16, 16] {
            assert_eq!(asked(usize::MAX), expected);
        }
        assert_eq!(asked(4 * KIB), 16);
        assert_eq!(asked(4 * KIB - 1), 16, "a quarter changes nothing");
        for expected in [8, 4, 4] {
            assert_eq!(asked(1), expected);
        }
    }

    #[test]
    fn what_is_there_already_does_not_count() {
        let mut input = input();
        assert_eq!(asked(&mut input, 100), 4 * KIB);
        assert_eq!(asked(&mut input, 4 * KIB), 4 * KIB);
        assert_eq!(asked(&mut input, 0), 8 * KIB);
    }

    #[test]
    fn reads_are_small_after_a_small_record() {
        let mut input = input();
        assert_eq!(asked(&mut input, usize::MAX), 4 * KIB);
        input.note_size(2 * KIB - 1);
        assert_eq!(asked(&mut input, 2 * KIB), 4 * KIB);
        input.bound(ReadAhead { least: 4, most: 16 });
        assert_eq!(asked(&mut input, usize::MAX), 4 * KIB);
        input.note_size(2 * KIB);
        assert_eq!(asked(&mut input, 0), 8 * KIB);
    }
}
