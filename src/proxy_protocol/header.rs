//! The contents of a header.

use std::net::SocketAddr;

/// The types of TLVs that the specification assigns.
const ALPN: u8 = 0x01;
const AUTHORITY: u8 = 0x02;
pub(super) const CRC32C: u8 = 0x03;
const UNIQUE_ID: u8 = 0x05;
const SSL: u8 = 0x20;
const SSL_VERSION: u8 = 0x21;
const SSL_COMMON_NAME: u8 = 0x22;
const SSL_CIPHER: u8 = 0x23;

/// A header of the PROXY protocol, with which a proxy describes its client.
///
/// ```
/// use pollback::proxy_protocol::{ProxiedAddress, ProxyHeader};
///
/// let source = "192.0.2.1:4711".parse().unwrap();
/// let destination = "192.0.2.2:443".parse().unwrap();
/// let header = ProxyHeader::new(ProxiedAddress::stream(source, destination));
/// let line = header.to_v1();
/// assert_eq!(line, b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n");
///
/// let sent = [&line[..], b"what the client says"].concat();
/// let (parsed, length) = ProxyHeader::parse(&sent)?.expect("a whole header");
/// assert_eq!(parsed.proxied_address().unwrap().source, source);
/// assert_eq!(&sent[length..], b"what the client says");
/// # Ok::<(), pollback::proxy_protocol::HeaderError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyHeader {
    pub(super) is_local: bool,
    pub(super) address: Address,
    /// The TLVs as encoded in a header of version 2.
    pub(super) tlvs: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Unspecified,
    Proxied(ProxiedAddress),
    Unix(UnixAddress),
}

/// The address of the client and the one that it has connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxiedAddress {
    /// The kind of the connection between the client and the proxy.
    pub transport: Transport,
    /// The address of the client.
    pub source: SocketAddr,
    /// The address that the client has connected to.
    pub destination: SocketAddr,
}

/// The kind of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Not specified by the proxy.
    Unspecified,
    /// A stream of bytes, such as TCP.
    Stream,
    /// Datagrams, such as those of UDP.
    Datagram,
}

/// The Unix sockets of a connection that came to the proxy from its own host.
///
/// These are usually paths, without padding; they may be empty, and on Linux begin with a zero.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnixAddress {
    /// The kind of the connection between the client and the proxy.
    pub transport: Transport,
    /// The socket of the client.
    pub source: Vec<u8>,
    /// The socket that the client has connected to.
    pub destination: Vec<u8>,
}

impl ProxiedAddress {
    /// Returns the addresses of a client whose connection is a stream of bytes, such as TCP.
    pub fn stream(source: SocketAddr, destination: SocketAddr) -> Self {
        Self {
            transport: Transport::Stream,
            source,
            destination,
        }
    }
}

impl ProxyHeader {
    /// Creates the header for a client with these addresses.
    pub fn new(address: ProxiedAddress) -> Self {
        Self {
            is_local: false,
            address: Address::Proxied(address),
            tlvs: Vec::new(),
        }
    }

    /// Creates the header for a client without its address.
    pub fn unknown() -> Self {
        Self {
            is_local: false,
            address: Address::Unspecified,
            tlvs: Vec::new(),
        }
    }

    /// Creates the header of a connection that the proxy makes for itself, such as a health check.
    pub fn local() -> Self {
        Self {
            is_local: true,
            ..Self::unknown()
        }
    }

    /// Adds a TLV, which only version 2 has.
    ///
    /// # Panics
    ///
    /// If the value is longer than 65,535 bytes.
    #[must_use]
    pub fn with_tlv(mut self, kind: u8, value: &[u8]) -> Self {
        let length = u16::try_from(value.len()).expect("a TLV has at most 65,535 bytes");
        self.tlvs.push(kind);
        self.tlvs.extend(length.to_be_bytes());
        self.tlvs.extend_from_slice(value);
        self
    }

    /// Adds the server name that the client requested.
    ///
    /// # Panics
    ///
    /// If it is longer than 65,535 bytes.
    #[must_use]
    pub fn with_authority(self, name: &str) -> Self {
        self.with_tlv(AUTHORITY, name.as_bytes())
    }

    /// Adds the application protocol that was negotiated with the client.
    ///
    /// # Panics
    ///
    /// If it is longer than 65,535 bytes.
    #[must_use]
    pub fn with_alpn(self, protocol: &[u8]) -> Self {
        self.with_tlv(ALPN, protocol)
    }

    /// Adds a checksum (CRC-32C), which is computed when the header is written.
    #[must_use]
    pub fn with_checksum(self) -> Self {
        self.with_tlv(CRC32C, &[0; 4])
    }

    /// Returns whether the proxy has made the connection for itself, such as a health check. Everything
    /// else in such a header is ignored.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// Returns the addresses of the client, if the proxy names them and they are IP addresses.
    pub fn proxied_address(&self) -> Option<&ProxiedAddress> {
        match &self.address {
            Address::Proxied(address) => Some(address),
            Address::Unix(_) | Address::Unspecified => None,
        }
    }

    /// Returns the Unix sockets of the client, if the proxy names them.
    pub fn unix_address(&self) -> Option<&UnixAddress> {
        match &self.address {
            Address::Unix(address) => Some(address),
            Address::Proxied(_) | Address::Unspecified => None,
        }
    }

    /// Returns the TLVs of the header in the order in which they were sent, each with its type and
    /// its value.
    pub fn tlvs(&self) -> Tlvs<'_> {
        Tlvs(&self.tlvs)
    }

    /// Returns the value of the first TLV of this type.
    pub fn tlv(&self, wanted: u8) -> Option<&[u8]> {
        find(self.tlvs(), wanted)
    }

    /// Returns the server name that the client requested, if it is UTF-8.
    pub fn authority(&self) -> Option<&str> {
        std::str::from_utf8(self.tlv(AUTHORITY)?).ok()
    }

    /// Returns the application protocol that was negotiated with the client.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.tlv(ALPN)
    }

    /// Returns the identifier that the proxy has assigned to the connection.
    pub fn unique_id(&self) -> Option<&[u8]> {
        self.tlv(UNIQUE_ID)
    }

    /// Returns information about TLS between the client and the proxy.
    pub fn ssl(&self) -> Option<Ssl<'_>> {
        let [client, a, b, c, d, tlvs @ ..] = self.tlv(SSL)? else {
            return None;
        };
        Some(Ssl {
            client: *client,
            verify: u32::from_be_bytes([*a, *b, *c, *d]),
            tlvs: Tlvs(tlvs),
        })
    }
}

/// Information from a proxy about TLS between the client and itself.
#[derive(Clone, Debug)]
pub struct Ssl<'a> {
    client: u8,
    verify: u32,
    tlvs: Tlvs<'a>,
}

impl<'a> Ssl<'a> {
    /// Returns whether the client is connected over TLS.
    pub fn is_tls(&self) -> bool {
        self.client & 1 != 0
    }

    /// Returns whether the client has sent a certificate, in this connection or its session, that was
    /// verified.
    pub fn is_client_verified(&self) -> bool {
        self.client & 0b110 != 0 && self.verify == 0
    }

    /// Returns the version of TLS, such as `TLSv1.3`.
    pub fn version(&self) -> Option<&'a str> {
        self.text(SSL_VERSION)
    }

    /// Returns the common name in the certificate of the client.
    pub fn common_name(&self) -> Option<&'a str> {
        self.text(SSL_COMMON_NAME)
    }

    /// Returns the cipher suite, as OpenSSL names it.
    pub fn cipher(&self) -> Option<&'a str> {
        self.text(SSL_CIPHER)
    }

    /// Returns the nested TLVs, each with its type and its value.
    pub fn tlvs(&self) -> Tlvs<'a> {
        self.tlvs.clone()
    }

    fn text(&self, wanted: u8) -> Option<&'a str> {
        std::str::from_utf8(find(self.tlvs(), wanted)?).ok()
    }
}

/// TLVs, each with its type and its value. Ends at one that is incomplete.
#[derive(Clone, Debug)]
pub struct Tlvs<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Tlvs<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([kind, high, low], rest) = self.0.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*kind, value))
    }
}

fn find<'a>(mut tlvs: Tlvs<'a>, wanted: u8) -> Option<&'a [u8]> {
    tlvs.find_map(|(kind, value)| (kind == wanted).then_some(value))
}
