//! Encodes a header.

use std::net::{IpAddr, Ipv6Addr};

use super::error::HeaderError;
use super::header::{Address, ProxiedAddress, ProxyHeader, Transport};
use super::parse::{FIXED, PATH, SIGNATURE, checksum, checksum_place};

impl ProxyHeader {
    /// Returns the header in version 1, a line of text.
    ///
    /// Version 1 has only IP addresses of TCP connections, and no TLVs. Any other header becomes
    /// `UNKNOWN`.
    pub fn to_v1(&self) -> Vec<u8> {
        let address = self
            .proxied_address()
            .filter(|address| address.transport == Transport::Stream);
        let Some(address) = address else {
            return b"PROXY UNKNOWN\r\n".to_vec();
        };
        let (source, destination) = of_one_family(address);
        let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let (from, to) = (address.source.port(), address.destination.port());
        format!("PROXY {family} {source} {destination} {from} {to}\r\n").into_bytes()
    }

    /// Returns the header in version 2, with its TLVs.
    ///
    /// # Errors
    ///
    /// [`HeaderError::TooLong`] if they do not fit, [`HeaderError::Tlv`] if a checksum TLV that was
    /// added does not have 4 bytes.
    pub fn to_v2(&self) -> Result<Vec<u8>, HeaderError> {
        let (family, addresses) = match &self.address {
            Address::Unspecified => (0, Vec::new()),
            Address::Proxied(address) => inet(address),
            Address::Unix(address) => {
                let mut paths = [0; 2 * PATH];
                for (path, room) in [&address.source, &address.destination]
                    .into_iter()
                    .zip(paths.chunks_mut(PATH))
                {
                    // Only a parser creates these, from fields of the same length.
                    room[..path.len()].copy_from_slice(path);
                }
                (0x30 | protocol(address.transport), paths.to_vec())
            }
        };
        let length = addresses.len() + self.tlvs.len();
        let length = u16::try_from(length).map_err(|_| HeaderError::TooLong)?;
        let mut header = SIGNATURE.to_vec();
        header.extend([0x20 | u8::from(!self.is_local), family]);
        header.extend(length.to_be_bytes());
        debug_assert_eq!(header.len(), FIXED);
        header.extend(addresses);
        header.extend_from_slice(&self.tlvs);
        if let Some(place) = checksum_place(header.len(), &self.tlvs)? {
            let checksum = checksum(&header, place);
            header[place..place + 4].copy_from_slice(&checksum);
        }
        Ok(header)
    }
}

fn inet(address: &ProxiedAddress) -> (u8, Vec<u8>) {
    let (family, mut bytes) = match of_one_family(address) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            (0x10, [source.octets(), destination.octets()].concat())
        }
        (source, destination) => (0x20, [mapped(source), mapped(destination)].concat()),
    };
    bytes.extend(address.source.port().to_be_bytes());
    bytes.extend(address.destination.port().to_be_bytes());
    (family | protocol(address.transport), bytes)
}

fn protocol(transport: Transport) -> u8 {
    match transport {
        Transport::Unspecified => 0,
        Transport::Stream => 1,
        Transport::Datagram => 2,
    }
}

/// Converts the addresses to one family, since a header names one for both.
fn of_one_family(address: &ProxiedAddress) -> (IpAddr, IpAddr) {
    let (source, destination) = (address.source.ip(), address.destination.ip());
    match source.is_ipv4() == destination.is_ipv4() {
        true => (source, destination),
        false => (
            Ipv6Addr::from(mapped(source)).into(),
            Ipv6Addr::from(mapped(destination)).into(),
        ),
    }
}

fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
