//! Parses the bytes that a client sends.

use std::io;

use rustls::{AlertDescription, ContentType, HandshakeType, InvalidMessage};

use super::client_hello::{ClientHello, HEADER, Parts, SHORTEST};
use crate::error::{Error, ErrorKind};

/// The default limit on the length of a ClientHello: 64 KiB, without the headers of the message and
/// its records.
pub const LIMIT: usize = 64 * 1024;

/// The header of a record: its type, version and length.
const RECORD_HEADER: usize = 5;

/// The major version of every record (RFC 8446, section 5.1). The minor version is not significant.
const MAJOR: u8 = 3;

/// How many empty records are accepted, as in other implementations. Without this limit, the memory
/// for them would be unbounded.
const EMPTY: usize = 32;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// Parses a ClientHello from bytes that arrive in parts. Performs no I/O.
///
/// The bytes may be divided in any way, and so may the ClientHello by its records. Each byte is
/// processed once.
///
/// ```
/// use pollback::hello::{ClientHello, Parser};
/// use std::io::{self, Read};
///
/// fn receive(mut socket: impl Read) -> io::Result<ClientHello> {
///     let mut parser = Parser::new();
///     while parser.missing() > 0 {
///         let mut buffer = [0; 2048];
///         // Do not read beyond the ClientHello.
///         let most = parser.missing().min(buffer.len());
///         match socket.read(&mut buffer[..most])? {
///             0 => return Err(io::ErrorKind::UnexpectedEof.into()),
///             read => parser.push(&buffer[..read])?,
///         };
///     }
///     Ok(parser.finish().expect("nothing is missing"))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Parser {
    /// All bytes received, and where the latest record begins.
    records: Vec<u8>,
    record: usize,
    /// How much of that record's body is missing, once its header is complete.
    body: usize,
    /// The number of records without a body.
    empty: usize,
    message: Vec<u8>,
    limit: usize,
    outcome: Option<Result<Parts, Fault>>,
}

impl Parser {
    /// Creates a parser that has received nothing yet.
    pub fn new() -> Self {
        Self {
            records: Vec::new(),
            record: 0,
            body: 0,
            empty: 0,
            message: Vec::new(),
            limit: LIMIT,
            outcome: None,
        }
    }

    /// Limits the length of the ClientHello, without the headers of the message and its records. A
    /// longer one is an error as soon as its length is known. The default is [`LIMIT`].
    ///
    /// rustls accepts at most 65,535 bytes, so a higher limit only helps to pass connections on.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// Processes more bytes from the client, and returns how many of them belong to the ClientHello:
    /// all of them, unless it ends within them.
    ///
    /// # Errors
    ///
    /// - [`NotTls`](ErrorKind::NotTls) as soon as the first bytes show that this is not TLS;
    /// - [`Alert`](ErrorKind::Alert) if the client has sent an alert;
    /// - [`Misbehaved`](ErrorKind::Misbehaved) if there is another message, or a malformed ClientHello;
    /// - [`TooLong`](ErrorKind::TooLong) if the ClientHello is longer than the limit.
    ///
    /// Errors are permanent: each later call returns the same. The bytes are kept nevertheless, so
    /// [`bytes`](Self::bytes) returns everything that was passed in.
    pub fn push(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.take(bytes).map_err(Error::from)
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut rest = bytes;
        while !rest.is_empty() && self.outcome.is_none() {
            let wanted = match self.body {
                0 => RECORD_HEADER - self.header().len(),
                body => body.min(self.missing_message()),
            };
            let (part, behind) = rest.split_at(wanted.min(rest.len()));
            self.records.extend_from_slice(part);
            rest = behind;
            if let Err(fault) = self.advance(part) {
                self.outcome = Some(Err(fault));
            }
        }
        if let Some(Err(fault)) = &self.outcome {
            self.records.extend_from_slice(rest);
            return Err(fault.clone());
        }
        Ok(bytes.len() - rest.len())
    }

    /// Returns how many more bytes the ClientHello has at least: 0 if it is complete, or if there is
    /// none.
    pub fn missing(&self) -> usize {
        if self.outcome.is_some() {
            return 0;
        }
        let message = self.missing_message();
        match self.body {
            0 => RECORD_HEADER - self.header().len() + message,
            body if body < message => RECORD_HEADER + message,
            _ => message,
        }
    }

    /// Returns everything that was passed in so far.
    pub fn bytes(&self) -> &[u8] {
        &self.records
    }

    /// Returns everything that was passed in so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.records
    }

    /// Returns the ClientHello if it is complete.
    pub fn finish(self) -> Option<ClientHello> {
        match self.outcome {
            Some(Ok(parts)) => Some(ClientHello::new(self.records, self.message, parts)),
            Some(Err(_)) | None => None,
        }
    }

    /// The part of the record's header that has arrived; empty while a body is read.
    fn header(&self) -> &[u8] {
        match self.body {
            0 => &self.records[self.record..],
            _ => &[],
        }
    }

    /// How many bytes of the message are still missing at least, while there is no outcome.
    fn missing_message(&self) -> usize {
        self.length().unwrap_or(SHORTEST) - self.message.len()
    }

    /// The length of the message including its header, once that is complete.
    fn length(&self) -> Option<usize> {
        let [_, lengths @ ..] = self.message.first_chunk::<HEADER>()?;
        let length = lengths
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        Some(HEADER + length)
    }

    /// Processes the bytes received last.
    fn advance(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.body == 0 {
            self.body = check_header(self.header())?.unwrap_or(0);
            // A record without a body is skipped; it cannot be the last one.
            if self.body == 0 && self.header().len() == RECORD_HEADER {
                self.record = self.records.len();
                self.empty += 1;
                if self.empty > EMPTY {
                    return Err(Fault::invalid(InvalidMessage::InvalidEmptyPayload));
                }
            }
            return Ok(());
        }
        self.body -= part.len();
        let is_alert = self.records[self.record] == ALERT;
        if self.body == 0 {
            self.record = self.records.len();
        }
        if is_alert {
            return match self.body {
                0 => Err(Fault::alert(self.records[self.records.len() - 1])),
                _ => Ok(()),
            };
        }
        self.message.extend_from_slice(part);
        self.check_message()
    }

    fn check_message(&mut self) -> Result<(), Fault> {
        if self.message[0] != u8::from(HandshakeType::ClientHello) {
            let got_type = HandshakeType::from(self.message[0]);
            return Err(Fault::Tls(rustls::Error::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::ClientHello],
                got_type,
            }));
        }
        match self.length() {
            Some(length) if length < SHORTEST => Err(Fault::cut_off("ClientHello")),
            Some(length) if length - HEADER > self.limit => Err(Fault::TooLong),
            Some(length) if length == self.message.len() => {
                self.outcome = Some(Ok(Parts::of(&self.message)?));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Default for Parser {
    fn default() -> Self {
        Self::new()
    }
}

/// The length of a record's body, if the header is complete.
fn check_header(header: &[u8]) -> Result<Option<usize>, Fault> {
    let (kind, version) = match *header {
        [] => return Ok(None),
        [kind] => (kind, None),
        [kind, version, ..] => (kind, Some(version)),
    };
    if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(&kind) {
        return Err(Fault::invalid(InvalidMessage::InvalidContentType));
    }
    if version.is_some_and(|version| version != MAJOR) {
        return Err(Fault::invalid(InvalidMessage::UnknownProtocolVersion));
    }
    let [_, _, _, high, low] = *header else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    match kind {
        HANDSHAKE => Ok(Some(length)),
        ALERT if length == 2 => Ok(Some(length)),
        ALERT => Err(Fault::cut_off("Alert")),
        _ => Err(Fault::Tls(rustls::Error::InappropriateMessage {
            expect_types: vec![ContentType::Handshake],
            got_type: ContentType::from(kind),
        })),
    }
}

/// Why there is no ClientHello.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The error that rustls reports for such bytes.
    Tls(rustls::Error),
    TooLong,
}

impl Fault {
    pub(super) fn cut_off(what: &'static str) -> Self {
        Self::invalid(InvalidMessage::MissingData(what))
    }

    fn invalid(message: InvalidMessage) -> Self {
        Self::Tls(message.into())
    }

    fn alert(description: u8) -> Self {
        Self::Tls(rustls::Error::AlertReceived(description.into()))
    }

    pub(super) fn is_not_tls(&self) -> bool {
        Error::from(self.clone()).kind() == ErrorKind::NotTls
    }

    /// The alert for the client. None is sent in response to an alert.
    pub(super) fn answer(&self) -> Option<AlertDescription> {
        match self {
            Self::Tls(rustls::Error::AlertReceived(_)) => None,
            Self::Tls(rustls::Error::InvalidMessage(_)) | Self::TooLong => {
                Some(AlertDescription::DecodeError)
            }
            Self::Tls(_) => Some(AlertDescription::UnexpectedMessage),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Tls(error) => error.into(),
            Fault::TooLong => ErrorKind::TooLong.into(),
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Tls(error) => Self::new(io::ErrorKind::InvalidData, error),
            Fault::TooLong => ErrorKind::TooLong.into(),
        }
    }
}
