//! Divides the slices of a write into the parts that are encrypted at once.

use std::io::IoSlice;
use std::ops::Deref;

/// The remaining slices of a write.
pub(super) struct Slices<'a> {
    slices: &'a [IoSlice<'a>],
    /// The number of bytes of the first slice that are done.
    done: usize,
    /// The total number of bytes left.
    left: usize,
}

/// Bytes gathered from one or more slices, in order.
pub(super) enum Gathered<'a> {
    Lone([IoSlice<'a>; 1]),
    Borrowed(&'a [IoSlice<'a>]),
    Listed(Vec<IoSlice<'a>>),
}

impl<'a> Slices<'a> {
    #[inline]
    pub(super) fn new(slices: &'a [IoSlice<'a>]) -> Self {
        let mut this = Self {
            slices,
            done: 0,
            left: slices.iter().map(|slice| slice.len()).sum(),
        };
        this.advance(0);
        this
    }

    /// The total number of bytes left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.left
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The first slice that is not empty.
    #[inline]
    pub(super) fn first(&self) -> &'a [u8] {
        self.slices.first().map_or(&[], |first| &first[self.done..])
    }

    /// The bytes of `before` followed by the first of these slices: `length` bytes in all, or as
    /// many as there are.
    #[inline]
    pub(super) fn gather(&self, before: &'a [u8], length: usize) -> Gathered<'a> {
        if before.is_empty() {
            let first = self.first();
            if first.len() >= length {
                return Gathered::Lone([IoSlice::new(&first[..length])]);
            }
            if self.done == 0 && self.left <= length {
                return Gathered::Borrowed(self.slices);
            }
        } else if before.len() >= length {
            return Gathered::Lone([IoSlice::new(&before[..length])]);
        }
        let mut listed = Vec::new();
        let mut room = length;
        let mut done = self.done;
        let rest = self.slices.iter().map(|slice| {
            let rest = &slice[done..];
            done = 0;
            rest
        });
        for slice in std::iter::once(before).chain(rest) {
            let part = &slice[..slice.len().min(room)];
            room -= part.len();
            if !part.is_empty() {
                listed.push(IoSlice::new(part));
            }
            if room == 0 {
                break;
            }
        }
        Gathered::Listed(listed)
    }

    /// Advances by `count` bytes, skipping empty slices.
    #[inline]
    pub(super) fn advance(&mut self, mut count: usize) {
        self.left -= count;
        while let Some(first) = self.slices.first() {
            let rest = first.len() - self.done;
            if count < rest {
                self.done += count;
                return;
            }
            count -= rest;
            self.slices = &self.slices[1..];
            self.done = 0;
        }
    }
}

impl<'a> Deref for Gathered<'a> {
    type Target = [IoSlice<'a>];

    #[inline]
    fn deref(&self) -> &[IoSlice<'a>] {
        match self {
            Self::Lone(slice) => slice,
            Self::Borrowed(slices) => slices,
            Self::Listed(slices) => slices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: usize = 16 * 1024;

    fn records(bufs: &[&[u8]]) -> Vec<Vec<usize>> {
        let slices: Vec<_> = bufs.iter().map(|buf| IoSlice::new(buf)).collect();
        let mut slices = Slices::new(&slices);
        let mut records = Vec::new();
        while !slices.is_empty() {
            let record = slices.gather(&[], RECORD);
            let lengths: Vec<_> = record.iter().map(|slice| slice.len()).collect();
            slices.advance(lengths.iter().sum());
            records.push(lengths);
        }
        records
    }

    #[test]
    fn empty_slices_make_no_record() {
        assert!(records(&[]).is_empty());
        assert!(records(&[&[], &[], &[]]).is_empty());
    }

    #[test]
    fn a_record_ends_inside_a_slice() {
        let big = vec![0; RECORD + 10];
        assert_eq!(records(&[&[1, 2], &big]), [vec![2, RECORD - 2], vec![12]]);
    }

    #[test]
    fn a_record_ends_on_the_edge_of_a_slice() {
        let full = vec![0; RECORD];
        assert_eq!(records(&[&full, &[1]]), [[RECORD], [1]]);
    }

    #[test]
    fn any_number_of_slices_goes_into_one_record() {
        let slices = vec![&[7u8][..]; 1000];
        assert_eq!(records(&slices), [[1; 1000]]);
    }

    fn bytes(slices: &[IoSlice<'_>]) -> Vec<u8> {
        slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect()
    }

    #[test]
    fn pending_bytes_come_first() {
        let bufs = [IoSlice::new(b"abc"), IoSlice::new(b"de")];
        let mut slices = Slices::new(&bufs);
        slices.advance(2);
        let record = slices.gather(b"before", 9);
        assert_eq!(bytes(&record), b"beforecde");
        assert_eq!(bytes(&slices.gather(b"before", 7)), b"beforec");
        assert_eq!(bytes(&slices.gather(b"before", 4)), b"befo");
        assert_eq!(bytes(&slices.gather(b"", 3)), b"cde");
        assert_eq!(slices.left(), 3);
    }
}
