//! Parses a header.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::checksum::crc32c;
use super::error::HeaderError;
use super::header::{Address, CRC32C, ProxiedAddress, ProxyHeader, Tlvs, Transport, UnixAddress};

/// How every header of version 2 begins.
pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The signature, version and command, family and protocol, and the length of the rest.
pub(super) const FIXED: usize = SIGNATURE.len() + 4;

/// How every header of version 1 begins.
const WORD: &[u8] = b"PROXY ";

/// The shortest header of version 1, in all and for each protocol.
const SHORTEST: usize = b"PROXY UNKNOWN\r\n".len();
const SHORTEST_TCP4: usize = b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n".len();
const SHORTEST_TCP6: usize = b"PROXY TCP6 :: :: 0 0\r\n".len();

/// The longest header of version 1, including its end of line.
const LONGEST: usize = 107;

const LOCAL: u8 = 0;
const PROXY: u8 = 1;

/// The length of a path in the addresses of Unix sockets.
pub(super) const PATH: usize = 108;

impl ProxyHeader {
    /// Parses a header of version 1 or 2 at the beginning of what a proxy has sent. Returns it and its
    /// length, or `None` if the bytes are incomplete.
    ///
    /// # Errors
    ///
    /// If the bytes are not a valid header, as soon as that is certain.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, HeaderError> {
        let length = match length(bytes)? {
            Length::AtLeast(_) => return Ok(None),
            Length::Exactly(length) => length,
        };
        let Some(header) = bytes.get(..length) else {
            return Ok(None);
        };
        let parsed = match header.starts_with(WORD) {
            true => line(header)?,
            false => binary(header)?,
        };
        Ok(Some((parsed, length)))
    }
}

/// The length of a header.
pub(super) enum Length {
    Exactly(usize),
    /// Longer than the bytes that have arrived.
    AtLeast(usize),
}

/// Returns the length of the header that begins with these bytes.
pub(super) fn length(bytes: &[u8]) -> Result<Length, HeaderError> {
    let begins_as = |start: &[u8]| bytes.iter().zip(start).all(|(byte, wanted)| byte == wanted);
    if bytes.is_empty() {
        return Ok(Length::AtLeast(SHORTEST));
    }
    if begins_as(WORD) {
        return line_length(bytes);
    }
    if !begins_as(SIGNATURE) {
        return Err(HeaderError::Missing);
    }
    // Bytes that are not a header are rejected without waiting for more.
    if let Some(version) = bytes.get(SIGNATURE.len()) {
        match (version >> 4, version & 0x0f) {
            (2, LOCAL | PROXY) => {}
            (2, _) => return Err(HeaderError::Command(*version)),
            _ => return Err(HeaderError::Version(*version)),
        }
    }
    Ok(match bytes.get(FIXED - 2..FIXED) {
        Some(length) => {
            Length::Exactly(FIXED + usize::from(u16::from_be_bytes([length[0], length[1]])))
        }
        None => Length::AtLeast(FIXED),
    })
}

fn line_length(bytes: &[u8]) -> Result<Length, HeaderError> {
    let shortest = match bytes.get(WORD.len()..WORD.len() + 4) {
        Some(b"TCP4") => SHORTEST_TCP4,
        Some(b"TCP6") => SHORTEST_TCP6,
        _ => SHORTEST,
    };
    let within = &bytes[..bytes.len().min(LONGEST)];
    match within.iter().position(|byte| *byte == b'\n') {
        Some(end) if within[..end].ends_with(b"\r") => Ok(Length::Exactly(end + 1)),
        Some(_) => Err(HeaderError::Line),
        None if within.len() == LONGEST => Err(HeaderError::Line),
        None if within.ends_with(b"\r") => Ok(Length::AtLeast(within.len() + 1)),
        None => Ok(Length::AtLeast(shortest.max(within.len() + 2))),
    }
}

/// Reads a header of version 1.
fn line(header: &[u8]) -> Result<ProxyHeader, HeaderError> {
    let line = header.strip_prefix(WORD).unwrap_or_default();
    let line = line.strip_suffix(b"\r\n").unwrap_or_default();
    // The rest of the line is to be ignored.
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Ok(ProxyHeader::unknown());
    }
    let line = std::str::from_utf8(line).map_err(|_| HeaderError::Line)?;
    let words: Vec<_> = line.split(' ').collect();
    let address = match words[..] {
        ["TCP4", source, destination, from, to] => ProxiedAddress::stream(
            socket_address::<Ipv4Addr>(source, from)?,
            socket_address::<Ipv4Addr>(destination, to)?,
        ),
        ["TCP6", source, destination, from, to] => ProxiedAddress::stream(
            socket_address::<Ipv6Addr>(source, from)?,
            socket_address::<Ipv6Addr>(destination, to)?,
        ),
        _ => return Err(HeaderError::Line),
    };
    Ok(ProxyHeader::new(address))
}

fn socket_address<A: FromStr + Into<IpAddr>>(
    address: &str,
    port: &str,
) -> Result<SocketAddr, HeaderError> {
    let address: A = address.parse().map_err(|_| HeaderError::Line)?;
    // Numbers may not have signs here.
    let port = match port.bytes().all(|byte| byte.is_ascii_digit()) {
        true => port.parse().map_err(|_| HeaderError::Line)?,
        false => return Err(HeaderError::Line),
    };
    Ok(SocketAddr::new(address.into(), port))
}

/// Reads a header of version 2.
fn binary(header: &[u8]) -> Result<ProxyHeader, HeaderError> {
    let command = header[SIGNATURE.len()] & 0x0f;
    let family = header[SIGNATURE.len() + 1];
    let body = &header[FIXED..];
    // Family and addresses are to be ignored. Some load balancers name a family and leave the
    // addresses out, so it is unknown where TLVs would begin.
    if command == LOCAL {
        return Ok(ProxyHeader::local());
    }
    let transport = match family & 0x0f {
        0 => Transport::Unspecified,
        1 => Transport::Stream,
        2 => Transport::Datagram,
        _ => return Err(HeaderError::Family(family)),
    };
    let (address, tlvs) = match family >> 4 {
        0 => (Address::Unspecified, body),
        1 => {
            let (addresses, tlvs) = inet::<4, Ipv4Addr>(transport, body)?;
            (Address::Proxied(addresses), tlvs)
        }
        2 => {
            let (addresses, tlvs) = inet::<16, Ipv6Addr>(transport, body)?;
            (Address::Proxied(addresses), tlvs)
        }
        3 => {
            let (source, rest) = split::<PATH>(body)?;
            let (destination, tlvs) = split::<PATH>(rest)?;
            let address = UnixAddress {
                transport,
                source: unpadded(source),
                destination: unpadded(destination),
            };
            (Address::Unix(address), tlvs)
        }
        _ => return Err(HeaderError::Family(family)),
    };
    let tlvs = match check_tlvs(header, tlvs) {
        // The addresses may belong to a family that the proxy could not name.
        Err(HeaderError::Tlv) if address == Address::Unspecified => &[],
        checked => {
            checked?;
            tlvs
        }
    };
    Ok(ProxyHeader {
        is_local: false,
        address,
        tlvs: tlvs.to_vec(),
    })
}

/// Returns two addresses with their ports, and the bytes after them.
fn inet<const SIZE: usize, A>(
    transport: Transport,
    body: &[u8],
) -> Result<(ProxiedAddress, &[u8]), HeaderError>
where
    A: From<[u8; SIZE]> + Into<IpAddr>,
{
    let (source, rest) = split::<SIZE>(body)?;
    let (destination, rest) = split::<SIZE>(rest)?;
    let (from, rest) = split(rest)?;
    let (to, rest) = split(rest)?;
    let address = |address: &[u8; SIZE], port: &[u8; 2]| {
        SocketAddr::new(A::from(*address).into(), u16::from_be_bytes(*port))
    };
    let addresses = ProxiedAddress {
        transport,
        source: address(source, from),
        destination: address(destination, to),
    };
    Ok((addresses, rest))
}

fn split<const SIZE: usize>(bytes: &[u8]) -> Result<(&[u8; SIZE], &[u8]), HeaderError> {
    bytes.split_first_chunk().ok_or(HeaderError::Addresses)
}

fn unpadded(path: &[u8; PATH]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte != 0);
    path[..end.map_or(0, |last| last + 1)].to_vec()
}

/// Checks that the TLVs at the end of the header are complete, and the checksum if it has one.
fn check_tlvs(header: &[u8], tlvs: &[u8]) -> Result<(), HeaderError> {
    match checksum_place(header.len(), tlvs)? {
        Some(place) if header[place..place + 4] != checksum(header, place) => {
            Err(HeaderError::Checksum)
        }
        _ => Ok(()),
    }
}

/// Returns the position of the checksum in a header that has this length and ends with these TLVs.
pub(super) fn checksum_place(header: usize, tlvs: &[u8]) -> Result<Option<usize>, HeaderError> {
    let mut place = None;
    let mut walk = Tlvs(tlvs);
    while let Some((kind, value)) = walk.next() {
        if kind == CRC32C {
            if value.len() != 4 {
                return Err(HeaderError::Tlv);
            }
            place = place.or(Some(header - walk.0.len() - 4));
        }
    }
    match walk.0 {
        [] => Ok(place),
        _ => Err(HeaderError::Tlv),
    }
}

/// Computes the checksum of a header, in which the four bytes of the checksum itself count as
/// zeros.
pub(super) fn checksum(header: &[u8], place: usize) -> [u8; 4] {
    crc32c([&header[..place], &[0; 4], &header[place + 4..]]).to_be_bytes()
}
