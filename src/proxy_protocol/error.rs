//! What can be wrong with a header.

use std::error::Error;
use std::fmt;
use std::io;

/// Why there is no header of the PROXY protocol.
///
/// An [`io::Error`] of [`read_header`](super::read_header) or of a listener has it inside, where
/// [`io::Error::get_ref`] finds it. Its kind is `InvalidData`, or `UnexpectedEof` for
/// [`Truncated`](Self::Truncated).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The bytes do not begin as a header does.
    Missing,
    /// The transport ended before the header did.
    Truncated,
    /// The line of version 1 is not one that the specification knows.
    Line,
    /// The second version is followed by something other than its number: version and command.
    Version(u8),
    /// The command of version 2 is neither LOCAL nor PROXY.
    Command(u8),
    /// The address family or the transport protocol of version 2 is none that is assigned.
    Family(u8),
    /// The addresses of version 2 break off.
    Addresses,
    /// A TLV of version 2 breaks off, or is a checksum of another length than 4 bytes.
    Tlv,
    /// The checksum (CRC-32C) of version 2 is another one.
    Checksum,
    /// The TLVs to be sent do not fit into a header, which has 65,535 bytes.
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
            Self::Addresses => f.write_str("its addresses break off"),
            Self::Tlv => f.write_str("a TLV of it is malformed"),
            Self::Checksum => f.write_str("its checksum is wrong"),
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
