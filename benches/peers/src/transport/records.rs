//! TLS records, seen from outside.

/// Counts the records in the bytes that pass.
#[derive(Debug, Default)]
pub(super) struct Records {
    begun: u64,
    /// The header, as far as it is there.
    header: Vec<u8>,
    /// How much of the record is still to come.
    rest: usize,
}

impl Records {
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
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
                self.begun += 1;
                self.header.clear();
            }
        }
    }

    pub(super) fn begun(&self) -> u64 {
        self.begun
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
            for piece in bytes.chunks(size) {
                records.pass(piece);
            }
            assert_eq!(records.begun(), 4, "in pieces of {size}");
        }
    }
}
