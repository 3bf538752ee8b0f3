//! Deterministic cryptography that hides and protects nothing.
//!
//! With it only the input determines a run, since rustls has no other source of randomness, and an
//! input can send anything in any state of a connection, since every key, signature and checksum is
//! valid. `provider.rs` and `provider_next.rs` implement the traits of both versions of rustls with
//! it, with the same marks, so that the versions can communicate.

/// The most plaintext that a record holds.
pub(super) const RECORD: usize = 16 * 1024;

/// Whether records contain a mark of their key and number, and are rejected without it.
///
/// An attacker needs no marks. Between honest peers they reveal every record that is lost,
/// duplicated or reordered, like real cryptography.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Records {
    Marked,
    Unmarked,
}

/// A replacement for everything that would be random or depend on a secret.
#[derive(Debug)]
pub(super) struct Constant;

pub(super) const BYTE: u8 = 0x2a;

/// A cipher that does not change the text, and a checksum that anyone can compute.
pub(super) struct Open(pub(super) Records);

/// The length of every key.
pub(super) const KEY: usize = 16;

/// The length of every checksum.
pub(super) const CHECKSUM: usize = 32;

pub(super) struct Checksum(pub(super) Records, pub(super) Vec<u8>);

impl Checksum {
    pub(super) fn of(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> [u8; CHECKSUM] {
        if self.0 == Records::Unmarked {
            // Matches everything.
            return [BYTE; CHECKSUM];
        }
        let bytes = [&self.1[..], first, &middle.concat(), last].concat();
        // FNV-1a, with four initial values.
        let sums = [1_u64, 2, 3, 4].map(|start| {
            bytes
                .iter()
                .fold(0xcbf2_9ce4_8422_2325 ^ start, |sum, byte| {
                    (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
                })
        });
        let mut checksum = [0; CHECKSUM];
        checksum.copy_from_slice(&sums.map(u64::to_be_bytes).concat());
        checksum
    }
}

pub(super) struct Cipher {
    records: Records,
    pub(super) is_tls13: bool,
    key: u64,
}

impl Open {
    pub(super) fn cipher(&self, is_tls13: bool, key: &[u8]) -> Box<Cipher> {
        let key = key
            .iter()
            .fold(0, |sum: u64, byte| sum.rotate_left(8) ^ u64::from(*byte));
        Box::new(Cipher {
            records: self.0,
            is_tls13,
            key,
        })
    }
}

impl Cipher {
    /// The bytes after the text and, in TLS 1.3, its type.
    pub(super) fn mark(&self, sequence: u64) -> Vec<u8> {
        match self.records {
            Records::Marked => (self.key ^ sequence).to_be_bytes().to_vec(),
            Records::Unmarked => Vec::new(),
        }
    }

    /// The length of the record of a text.
    pub(super) fn length(&self, text: usize) -> usize {
        text + usize::from(self.is_tls13) + self.mark(0).len()
    }

    /// The length of a record without its mark; `None` if the mark is wrong.
    pub(super) fn text(&self, record: &[u8], sequence: u64) -> Option<usize> {
        let mark = self.mark(sequence);
        record.ends_with(&mark).then_some(record.len() - mark.len())
    }
}
