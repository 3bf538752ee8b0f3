//! Counts TLS records in a stream of bytes.

/// Finds record boundaries in the bytes that pass.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The part of the header that has arrived.
    header: Vec<u8>,
    /// How much of the record is still missing.
    rest: usize,
}

impl Records {
    /// Returns how many records begin in these bytes.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) -> u64 {
        let mut begun = 0;
        while let Some(&first) = bytes.first() {
            if self.rest > 0 {
                let passed = self.rest.min(bytes.len());
                self.rest -= passed;
                bytes = &bytes[passed..];
                continue;
            }
            self.header.push(first);
            bytes = &bytes[1..];
            if let [_, _, _, high, low] = self.header[..] {
                self.rest = usize::from(u16::from_be_bytes([high, low]));
                begun += 1;
                self.header.clear();
            }
        }
        begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_wherever_they_are_cut() {
        let record = |length: u8| [&[23, 3, 3, 0, length][..], &vec![9; length.into()]].concat();
        let bytes = [record(0), record(1), record(200), record(7)].concat();
        for size in 1..bytes.len() {
            let mut records = Records::default();
            let begun: u64 = bytes.chunks(size).map(|piece| records.pass(piece)).sum();
            assert_eq!(begun, 4, "in pieces of {size}");
        }
    }
}
