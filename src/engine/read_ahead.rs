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
