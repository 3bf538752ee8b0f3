//! Why a connection has failed, or why it could not receive.

use std::io;

use rustls::{AlertDescription, InvalidMessage};

use super::Alert;
use crate::error::{Error, ErrorKind};

/// Why an attempt to receive has failed.
#[derive(Debug)]
pub enum ReceiveError {
    /// The error of the transport, unchanged. The next call makes a new attempt.
    Transport(io::Error),
    /// The connection has failed permanently.
    Tls(Failure),
}

/// The failure of a TLS connection. It is kept, since every later call returns it again.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Boxed to keep the result of receiving a record small.
    cause: Box<Cause>,
    /// Whether the connection has queued an alert because of it.
    owes_alert: bool,
    /// Whether an alert has to be sent in the clear, since the connection has none.
    needs_alert: bool,
}

#[derive(Clone, Debug)]
enum Cause {
    Rustls(rustls::Error),
    #[cfg(feature = "next")]
    Next(rustls_next::Error),
    /// The error of another binding.
    #[cfg(feature = "ffi")]
    Own(Error),
}

impl Failure {
    #[cfg(feature = "ffi")]
    pub(crate) fn own(error: Error) -> Self {
        Self {
            cause: Box::new(Cause::Own(error)),
            owes_alert: false,
            needs_alert: false,
        }
    }

    /// A handshake message beyond what a connection can hold, which rustls reports without a type
    /// and without an alert (RFC 8446, section 4, lets messages be 16 MiB).
    pub(crate) fn too_large(needs_alert: bool) -> Self {
        let error = rustls::Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge);
        Self {
            needs_alert,
            ..error.into()
        }
    }

    /// Records whether the connection has queued an alert because of this failure.
    pub(crate) fn with_alert(mut self, owed: bool) -> Self {
        self.owes_alert = owed;
        self
    }

    /// Whether everything queued has to be transmitted before the error is returned. A peer that
    /// ended the connection with an alert receives nothing more, unless rustls has another alert
    /// for it (RFC 8446, section 6: a warning where none are allowed).
    pub(crate) fn owes_alert(&self) -> bool {
        let found = Error::find(&self.to_error()).map(|error| error.kind());
        self.owes_alert || !matches!(found, Some(ErrorKind::Alert(_)))
    }

    /// The alert to be sent in the clear, where the connection has none.
    pub(crate) fn plain_alert(&self) -> Option<Alert> {
        self.needs_alert
            .then(|| Alert::fatal(AlertDescription::DecodeError))
    }

    /// The error for the caller, a new object each time.
    pub(crate) fn to_error(&self) -> io::Error {
        match &*self.cause {
            Cause::Rustls(error) => io::Error::new(io::ErrorKind::InvalidData, error.clone()),
            #[cfg(feature = "next")]
            Cause::Next(error) => io::Error::new(io::ErrorKind::InvalidData, error.clone()),
            #[cfg(feature = "ffi")]
            Cause::Own(error) => error.clone().into(),
        }
    }
}

impl From<rustls::Error> for Failure {
    fn from(error: rustls::Error) -> Self {
        Self {
            cause: Box::new(Cause::Rustls(error)),
            owes_alert: false,
            needs_alert: false,
        }
    }
}

#[cfg(feature = "next")]
impl From<rustls_next::Error> for Failure {
    fn from(error: rustls_next::Error) -> Self {
        Self {
            cause: Box::new(Cause::Next(error)),
            owes_alert: false,
            needs_alert: false,
        }
    }
}

impl From<Failure> for ReceiveError {
    fn from(failure: Failure) -> Self {
        Self::Tls(failure)
    }
}
