//! The slices of a write, cut into records.

use std::io::IoSlice;

/// What is left of the slices of a write.
pub(super) struct Slices<'a> {
    slices: &'a [IoSlice<'a>],
    /// How much of the first slice is done.
    done: usize,
}

impl<'a> Slices<'a> {
    #[inline]
    pub(super) fn new(slices: &'a [IoSlice<'a>]) -> Self {
        let mut this = Self { slices, done: 0 };
        this.advance(0);
        this
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// The first of them that is not empty.
    #[inline]
    pub(super) fn first(&self) -> &'a [u8] {
        self.slices.first().map_or(&[], |first| &first[self.done..])
    }

    /// At most `room` bytes for the next record: those of `before`, then as many of these as go
    /// into `gathered`.
    #[inline]
    pub(super) fn gather<'g>(
        &self,
        before: &'a [u8],
        mut room: usize,
        gathered: &'g mut [IoSlice<'a>],
    ) -> &'g [IoSlice<'a>] {
        let mut count = 0;
        if !before.is_empty() {
            let part = &before[..before.len().min(room)];
            room -= part.len();
            gathered[count] = IoSlice::new(part);
            count += 1;
        }
        let mut done = self.done;
        for slice in self.slices {
            if room == 0 || count == gathered.len() {
                break;
            }
            let rest = &slice[done..];
            done = 0;
            if !rest.is_empty() {
                let part = &rest[..rest.len().min(room)];
                room -= part.len();
                gathered[count] = IoSlice::new(part);
                count += 1;
            }
        }
        &gathered[..count]
    }

    /// Goes on by `count` bytes and over empty slices.
    #[inline]
    pub(super) fn advance(&mut self, mut count: usize) {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SLICES: usize = 64;
    const RECORD: usize = 16 * 1024;

    fn records(bufs: &[&[u8]]) -> Vec<Vec<usize>> {
        let slices: Vec<_> = bufs.iter().map(|buf| IoSlice::new(buf)).collect();
        let mut slices = Slices::new(&slices);
        let mut records = Vec::new();
        while !slices.is_empty() {
            let mut gathered = [IoSlice::new(&[]); SLICES];
            let record = slices.gather(&[], RECORD, &mut gathered);
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
    fn empty_slices_are_left_out_of_a_record() {
        assert_eq!(records(&[&[], &[1], &[], &[2, 3], &[]]), [[1, 2]]);
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
    fn many_slices_make_several_records() {
        let slices = vec![&[7u8][..]; 2 * SLICES + 1];
        let counts: Vec<_> = records(&slices).iter().map(Vec::len).collect();
        assert_eq!(counts, [SLICES, SLICES, 1]);
    }

    #[test]
    fn a_part_of_a_slice_can_be_taken() {
        let bufs = [IoSlice::new(b"abc"), IoSlice::new(b"de")];
        let mut slices = Slices::new(&bufs);
        slices.advance(2);
        let mut gathered = [IoSlice::new(&[]); SLICES];
        let record = slices.gather(b"before", 9, &mut gathered);
        assert_eq!(record.len(), 3);
        assert_eq!(record[0][..], *b"before");
        assert_eq!(record[1][..], *b"c");
        assert_eq!(record[2][..], *b"de");
    }
}
