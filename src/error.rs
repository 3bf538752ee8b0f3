//! Errors, as kinds that a program can match on.

use std::error::Error as StdError;
use std::fmt::{self, Write};
use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

#[cfg(feature = "next")]
// The path is explicit since the models compile this file from another folder.
#[path = "error/next.rs"]
mod next;

/// Why a handshake, a stream or a callback failed.
///
/// Functions return an [`io::Error`], as in Tokio. For a failure of TLS it contains the
/// [`rustls::Error`], for a failure that this crate detects it contains this type, and an error of the
/// transport is returned unchanged. [`Error::find`] returns the first two as this type:
///
/// ```
/// use pollback::{Error, ErrorKind};
/// use std::io;
///
/// fn advice(error: &io::Error) -> &'static str {
///     match Error::find(error).map(|e| e.kind()) {
///         Some(ErrorKind::NotTls) => "is this an HTTPS port?",
///         Some(ErrorKind::WrongName) => "the certificate is for another host",
///         Some(_) => "TLS failed",
///         None => "the transport failed",
///     }
/// }
///
/// let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::NotValidForName);
/// let error = io::Error::new(io::ErrorKind::InvalidData, tls);
/// assert_eq!(advice(&error), "the certificate is for another host");
/// ```
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    /// Replaces the text of the kind.
    text: Option<&'static str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer does not speak TLS.
    NotTls,
    /// The peer's certificate is for another name.
    WrongName,
    /// The peer's certificate was not issued by a trusted authority.
    UnknownIssuer,
    /// The peer's certificate has expired or is not valid yet.
    Expired,
    /// The peer's certificate is missing or unacceptable for another reason.
    Certificate,
    /// The two sides have no TLS version in common.
    NoCommonVersion,
    /// The two sides have no application protocol (ALPN) in common.
    NoCommonAlpn,
    /// The two sides have no cipher suite, group or signature scheme in common.
    NoCommonParameters,
    /// The peer is incompatible in another way: it lacks an extension that TLS or the configuration
    /// requires, or uses one that was not offered.
    Incompatible,
    /// The peer ended the connection with this alert (RFC 8446, section 6).
    Alert(AlertDescription),
    /// The peer violated the protocol, or sent something that cannot be decrypted.
    Misbehaved,
    /// The stream was truncated: the transport ended without the peer's close_notify.
    Truncated,
    /// A configured application protocol name (ALPN) is empty or longer than 255 bytes.
    InvalidAlpn,
    /// A ClientHello is longer than its limit.
    TooLong,
    /// A write came after the stream was shut down.
    Closed,
    /// The transport accepted no byte of a write that was not empty.
    WriteZero,
    /// A transport or callback reported more bytes than it was offered.
    OverReported,
    /// A transport returned the error `WouldBlock`, which registers no waker.
    Unregistered,
    /// The last handle that could announce the readiness of a callback transport was dropped.
    Abandoned,
    /// TLS was to end while there was unread plaintext.
    UnreadData,
    /// Bytes followed the peer's close_notify.
    TrailingData,
    /// TLS has not ended in both directions.
    NotEnded,
    /// A handshake, or a step before it such as reading a ClientHello or a PROXY header, timed out.
    HandshakeTimeout,
    /// The listener has shut down, and the grace period for its connections is over.
    Ended,
    /// Any other failure of TLS.
    Tls,
}

impl Error {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Finds a failure of TLS or of this crate in an error or in its sources.
    ///
    /// Works on the `io::Error`s of this crate and on any error that has one as its source.
    /// Returns `None` for errors of the transport.
    pub fn find(error: &(dyn StdError + 'static)) -> Option<Self> {
        causes(error).find_map(|error| {
            if let Some(own) = error.downcast_ref::<Self>() {
                return Some(own.clone());
            }
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::from(tls.clone()));
            }
            #[cfg(feature = "next")]
            if let Some(tls) = error.downcast_ref::<rustls_next::Error>() {
                return Some(Self::from(tls.clone()));
            }
            None
        })
    }

    pub(crate) fn because(
        kind: ErrorKind,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            source: Some(source.into().into()),
            ..kind.into()
        }
    }

    /// The transport has ended in the middle of a handshake. The text is that of tokio-rustls, which
    /// programs match on.
    pub(crate) fn handshake_eof() -> Self {
        Self {
            text: Some("tls handshake eof"),
            ..ErrorKind::Truncated.into()
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match self.kind {
            ErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            ErrorKind::InvalidAlpn => io::ErrorKind::InvalidInput,
            ErrorKind::Closed | ErrorKind::Abandoned => io::ErrorKind::BrokenPipe,
            ErrorKind::Ended => io::ErrorKind::ConnectionAborted,
            ErrorKind::HandshakeTimeout => io::ErrorKind::TimedOut,
            ErrorKind::WriteZero => io::ErrorKind::WriteZero,
            ErrorKind::OverReported
            | ErrorKind::Unregistered
            | ErrorKind::UnreadData
            | ErrorKind::NotEnded => io::ErrorKind::Other,
            _ => io::ErrorKind::InvalidData,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self {
            kind,
            text: None,
            source: None,
        }
    }
}

impl From<rustls::Error> for Error {
    fn from(error: rustls::Error) -> Self {
        Self::because(ErrorKind::of(&error), error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.io_kind(), error)
    }
}

impl From<ErrorKind> for io::Error {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text {
            Some(text) => f.write_str(text),
            None => self.kind.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

impl ErrorKind {
    /// Rejects application protocol names that cannot be sent (RFC 7301, section 3.1).
    pub(crate) fn check_alpn(protocols: &[impl AsRef<[u8]>]) -> Result<(), Self> {
        let mut lengths = protocols.iter().map(|name| name.as_ref().len());
        match lengths.all(|length| (1..=255).contains(&length)) {
            true => Ok(()),
            false => Err(Self::InvalidAlpn),
        }
    }

    fn of(error: &rustls::Error) -> Self {
        use rustls::Error as Tls;
        match error {
            Tls::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            Tls::InvalidCertificate(reason) => match reason {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::Expired,
                _ => Self::Certificate,
            },
            Tls::NoCertificatesPresented | Tls::InvalidCertRevocationList(_) => Self::Certificate,
            Tls::PeerIncompatible(reason) => match reason {
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled => Self::NoCommonVersion,
                PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
                | PeerIncompatible::NoCipherSuitesInCommon
                | PeerIncompatible::NoEcPointFormatsInCommon
                | PeerIncompatible::NoKxGroupsInCommon
                | PeerIncompatible::NoSignatureSchemesInCommon => Self::NoCommonParameters,
                _ => Self::Incompatible,
            },
            Tls::NoApplicationProtocol => Self::NoCommonAlpn,
            Tls::AlertReceived(alert) => Self::Alert(*alert),
            Tls::InvalidMessage(_)
            | Tls::InappropriateMessage { .. }
            | Tls::InappropriateHandshakeMessage { .. }
            | Tls::PeerMisbehaved(_)
            | Tls::PeerSentOversizedRecord
            | Tls::DecryptError => Self::Misbehaved,
            _ => Self::Tls,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTls => "the peer does not speak TLS",
            Self::WrongName => "the peer's certificate is for another name",
            Self::UnknownIssuer => "the peer's certificate was not issued by a trusted authority",
            Self::Expired => "the peer's certificate has expired or is not valid yet",
            Self::Certificate => "the peer's certificate is missing or unacceptable",
            Self::NoCommonVersion => "no TLS version in common with the peer",
            Self::NoCommonAlpn => "no application protocol in common with the peer",
            Self::NoCommonParameters => "no cryptographic parameters in common with the peer",
            Self::Incompatible => {
                "the peer is not compatible with what TLS or the configuration requires"
            }
            Self::Alert(alert) => return write_alert(*alert, f),
            Self::Misbehaved => "the peer violated the TLS protocol",
            // The text of rustls, which programs match on.
            Self::Truncated => "peer closed connection without sending TLS close_notify",
            Self::InvalidAlpn => "an ALPN protocol name must be 1 to 255 bytes long",
            Self::TooLong => "the ClientHello is longer than allowed",
            Self::Closed => "write after the stream was shut down",
            Self::WriteZero => "the transport accepted no bytes of a write",
            Self::OverReported => "a transport reported more bytes than it was offered",
            Self::Unregistered => "a transport returned WouldBlock, which registers no waker",
            Self::Abandoned => "the last handle that announces readiness was dropped",
            Self::UnreadData => "TLS cannot end while there is unread plaintext",
            Self::TrailingData => "bytes followed the peer's close_notify",
            Self::NotEnded => "TLS has not ended in both directions",
            Self::HandshakeTimeout => "the handshake timed out",
            Self::Ended => "the server has shut down",
            Self::Tls => "TLS failed",
        })
    }
}

/// Writes the name that the RFCs use, such as `handshake_failure`.
fn write_alert(alert: AlertDescription, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("the peer sent the alert ")?;
    let name = match alert {
        AlertDescription::EncryptedClientHelloRequired => "EchRequired",
        AlertDescription::UnrecognisedName => "UnrecognizedName",
        _ => match alert.as_str() {
            Some(name) => name,
            None => return write!(f, "{}", u8::from(alert)),
        },
    };
    let letters = name.as_bytes();
    for (at, letter) in letters.iter().enumerate() {
        let starts_word = letter.is_ascii_uppercase()
            && (letters.get(at + 1).is_some_and(u8::is_ascii_lowercase)
                || at > 0 && letters[at - 1].is_ascii_lowercase());
        if starts_word && at > 0 {
            f.write_char('_')?;
        }
        f.write_char(letter.to_ascii_lowercase().into())?;
    }
    Ok(())
}

/// An error and its sources, including the error that an [`io::Error`] wraps, which its `source`
/// skips.
pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => error.source(),
    }
}
