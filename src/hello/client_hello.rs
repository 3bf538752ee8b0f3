//! The contents of a ClientHello.

use std::fmt;
use std::iter;
use std::ops::Range;

use rustls::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use super::parser::{Fault, Parser};
use crate::error::Error;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// The type and the length of a handshake message.
pub(super) const HEADER: usize = 4;

/// The shortest ClientHello with its header, all its lists being empty.
pub(super) const SHORTEST: usize = HEADER + 2 + 32 + 1 + 2 + 1;

/// A ClientHello, as the client sent it.
///
/// Only its structure is checked: it may offer parameters that no server accepts, repeat an
/// extension or end within one, and its server name may be invalid. So do not print any part of it
/// unescaped.
///
/// ```
/// use pollback::hello::ClientHello;
///
/// fn destination(first_bytes: &[u8]) -> Result<Option<&'static str>, pollback::Error> {
///     // Nothing is consumed: pass these bytes on with all others.
///     let Some(hello) = ClientHello::parse(first_bytes)? else {
///         return Ok(None); // More bytes are needed.
///     };
///     Ok(Some(match hello.server_name() {
///         Some("one.example") => "192.0.2.1:443",
///         _ => "192.0.2.2:443",
///     }))
/// }
///
/// assert_eq!(destination(&[22, 3, 1])?, None);
/// assert!(destination(b"GET / HTTP/1.1\r\n").is_err());
/// # Ok::<(), pollback::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientHello {
    records: Vec<u8>,
    message: Vec<u8>,
    parts: Parts,
    server_name: Option<Box<str>>,
}

impl ClientHello {
    /// Parses a ClientHello at the beginning of what a client has sent.
    ///
    /// Returns `None` if the bytes are incomplete. Bytes after the ClientHello are ignored; the
    /// length of [`records`](Self::records) tells where they begin. Use a [`Parser`] for bytes that
    /// arrive in parts: it processes each byte once.
    ///
    /// # Errors
    ///
    /// As for [`Parser::push`]. The limit is [`LIMIT`](super::LIMIT) bytes.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Error> {
        let mut parser = Parser::new();
        parser.push(bytes)?;
        Ok(parser.finish())
    }

    pub(super) fn new(records: Vec<u8>, message: Vec<u8>, parts: Parts) -> Self {
        let mut hello = Self {
            records,
            message,
            parts,
            server_name: None,
        };
        hello.server_name = hello
            .server_name_bytes()
            .and_then(|name| std::str::from_utf8(name).ok())
            .map(|name| name.to_ascii_lowercase().into());
        hello
    }

    /// Returns the bytes as the client sent them: the records, up to the last byte of the ClientHello.
    pub fn records(&self) -> &[u8] {
        &self.records
    }

    pub(super) fn into_records(self) -> Vec<u8> {
        self.records
    }

    /// Returns the handshake message, beginning with its type and length (RFC 8446, section 4).
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Returns the server name that the client requests (SNI), in lower case.
    ///
    /// It may not be a valid DNS name: clients also send addresses, names in brackets and names
    /// that end in a dot. Returns `None` if there is no name, or if it is not UTF-8;
    /// [`server_name_bytes`](Self::server_name_bytes) returns it also in that case.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Returns the server name that the client requests, byte for byte (RFC 6066, section 3).
    pub fn server_name_bytes(&self) -> Option<&[u8]> {
        const HOST_NAME: u8 = 0;
        let (mut names, _) = prefixed(self.extension(SERVER_NAME)?, 2)?;
        loop {
            let (kind, rest) = names.split_first()?;
            let (name, rest) = prefixed(rest, 2)?;
            if *kind == HOST_NAME {
                return Some(name);
            }
            names = rest;
        }
    }

    /// Returns the application protocols that the client offers, in its order; `None` if it does not
    /// use ALPN.
    pub fn alpn(&self) -> Option<impl Iterator<Item = &[u8]>> {
        let (mut names, _) = prefixed(self.extension(ALPN)?, 2)?;
        Some(iter::from_fn(move || {
            let (name, rest) = prefixed(names, 1)?;
            names = rest;
            Some(name)
        }))
    }

    /// Returns the protocol versions that the client offers, in its order.
    ///
    /// For a client that supports only TLS 1.2 and older, this is its latest one.
    pub fn versions(&self) -> impl Iterator<Item = ProtocolVersion> {
        let offered = self
            .extension(SUPPORTED_VERSIONS)
            .and_then(|body| prefixed(body, 1));
        let versions = offered.map_or(&self.message[HEADER..][..2], |(versions, _)| versions);
        numbers(versions).map(ProtocolVersion::from)
    }

    /// Returns the legacy version, which is TLS 1.2 also for TLS 1.3.
    pub fn legacy_version(&self) -> ProtocolVersion {
        ProtocolVersion::from(u16::from_be_bytes([
            self.message[HEADER],
            self.message[HEADER + 1],
        ]))
    }

    /// Returns the 32 random bytes of the client.
    pub fn random(&self) -> &[u8] {
        &self.message[HEADER + 2..][..32]
    }

    /// Returns the identifier of the session to resume, which has no meaning in TLS 1.3.
    pub fn session_id(&self) -> &[u8] {
        &self.message[self.parts.session_id.clone()]
    }

    /// Returns the cipher suites that the client offers, in its order.
    pub fn cipher_suites(&self) -> impl Iterator<Item = CipherSuite> {
        numbers(&self.message[self.parts.cipher_suites.clone()]).map(CipherSuite::from)
    }

    /// Returns the compression methods that the client offers, in its order: today only 0, which
    /// means none.
    pub fn compression_methods(&self) -> &[u8] {
        &self.message[self.parts.compression_methods.clone()]
    }

    /// Returns the key exchange groups that the client offers, in its order.
    pub fn named_groups(&self) -> impl Iterator<Item = NamedGroup> {
        self.listed(SUPPORTED_GROUPS).map(NamedGroup::from)
    }

    /// Returns the signature schemes that the client offers, in its order; none if it sends no
    /// list, like clients that support only TLS 1.1 and older.
    pub fn signature_schemes(&self) -> impl Iterator<Item = SignatureScheme> {
        self.listed(SIGNATURE_ALGORITHMS).map(SignatureScheme::from)
    }

    /// Returns the extensions in the order in which they were sent, each with its type and its
    /// body.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions(&self.message[self.parts.extensions.clone()])
    }

    /// Returns the body of the first extension of this type.
    pub fn extension(&self, wanted: u16) -> Option<&[u8]> {
        self.extensions()
            .find_map(|(extension, body)| (extension == wanted).then_some(body))
    }

    /// The numbers in an extension that consists of one list.
    fn listed(&self, extension: u16) -> impl Iterator<Item = u16> {
        let list = self
            .extension(extension)
            .and_then(|body| prefixed(body, 2))
            .map_or(&[][..], |(list, _)| list);
        numbers(list)
    }
}

/// The essentials of a ClientHello in one line.
impl fmt::Debug for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHello")
            .field("server_name", &self.server_name)
            .field("versions", &self.versions().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The extensions of a [`ClientHello`], each with its type and its body.
///
/// Ends at an extension that is incomplete.
#[derive(Clone, Debug, Default)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = self.0.split_first_chunk()?;
        let (body, rest) = prefixed(rest, 2)?;
        self.0 = rest;
        Some((u16::from_be_bytes(*kind), body))
    }
}

/// The positions of the variable-length fields of a ClientHello in its message.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    session_id: Range<usize>,
    cipher_suites: Range<usize>,
    compression_methods: Range<usize>,
    extensions: Range<usize>,
}

impl Parts {
    /// Locates them in a complete message (RFC 8446, section 4.1.2).
    pub(super) fn of(message: &[u8]) -> Result<Self, Fault> {
        let mut place = HEADER + 2 + 32;
        let mut next = |width, name| {
            let (part, _) = message
                .get(place..)
                .and_then(|rest| prefixed(rest, width))
                .ok_or_else(|| Fault::cut_off(name))?;
            let start = place + width;
            place = start + part.len();
            Ok(start..place)
        };
        let session_id = next(1, "SessionID")?;
        let cipher_suites = next(2, "CipherSuites")?;
        let compression_methods = next(1, "CompressionMethods")?;
        // Old clients send no extensions.
        let extensions = match compression_methods.end == message.len() {
            true => message.len()..message.len(),
            false => next(2, "ClientExtensions")?,
        };
        Ok(Self {
            session_id,
            cipher_suites,
            compression_methods,
            extensions,
        })
    }
}

/// Splits off a field with a length prefix of `width` bytes; returns it and the rest.
fn prefixed(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(width)?;
    let length = length
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// The two-byte numbers of a list.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}
