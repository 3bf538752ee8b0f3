//! Errors in a header.

use std::error::Error;
use std::fmt;
use std::io;

/// Why bytes are not a valid header of the PROXY protocol.
///
/// An [`io::Error`] of [`read_header`](super::read_header) or of a listener contains it:
/// [`io::Error::get_ref`] returns it. Its kind is `InvalidData`, or `UnexpectedEof` for
/// [`Truncated`](Self::Truncated).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The bytes do not begin like a header.
    Missing,
    /// The transport ended before the header did.
    Truncated,
    /// The line of version 1 does not follow the specification.
    Line,
    /// The byte for version and command names another version than 2.
    Version(u8),
    /// The command of version 2 is neither LOCAL nor PROXY.
    Command(u8),
    /// The address family or transport protocol of version 2 is not assigned.
    Family(u8),
    /// The addresses of version 2 are incomplete.
    Addresses,
    /// A TLV of version 2 is incomplete, or is a checksum that does not have 4 bytes.
    Tlv,
    /// The checksum (CRC-32C) of version 2 does not match.
    Checksum,
    /// The TLVs to be sent do not fit into a header, which has at most 65,535 bytes.
    TooLong,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no valid PROXY header: ")?;
        match self {
            Self::Missing => f.write_str("the peer sent something else"),
            Self::Truncated => f.write_str("the transport ended before it was complete"),
            Self::Line => f.write_str("the line of version 1 is malformed"),
            Self::Version(byte) => write!(f, "unknown version {}", byte >> 4),
            Self::Command(byte) => write!(f, "unknown command {}", byte & 0x0f),
            Self::Family(byte) => write!(f, "unknown family and protocol {byte:#04x}"),
            Self::Addresses => f.write_str("its addresses are incomplete"),
            Self::Tlv => f.write_str("one of its TLVs is malformed"),
            Self::Checksum => f.write_str("its checksum does not match"),
            Self::TooLong => f.write_str("its TLVs are too long"),
        }
    }
}

impl Error for HeaderError {}

impl From<HeaderError> for io::Error {
    fn from(error: HeaderError) -> Self {
        let kind = match error {
            HeaderError::Truncated => io::ErrorKind::UnexpectedEof,
            HeaderError::TooLong => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
