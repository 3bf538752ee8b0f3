//! Alerts that a server sends before it has a connection.

use rustls::server::AcceptedAlert;
use rustls::{AlertDescription, Error};

/// A complete alert record in plaintext, and how much of it was sent.
pub(crate) struct Alert {
    record: Vec<u8>,
    sent: usize,
}

impl Alert {
    /// The alert that rustls has prepared for a ClientHello rejected with `error`, or a suitable
    /// one if it has prepared none.
    pub(crate) fn new(error: &Error, mut prepared: AcceptedAlert) -> Self {
        // For messages that it cannot parse, rustls always prepares the same alert.
        if let Error::InvalidMessage(message) = error {
            return Self::fatal((*message).into());
        }
        let mut record = Vec::new();
        // Writing to a vector does not fail.
        let _ = prepared.write_all(&mut record);
        let otherwise = match error {
            Error::AlertReceived(_) => None,
            Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
                Some(AlertDescription::UnexpectedMessage)
            }
            _ => Some(AlertDescription::InternalError),
        };
        Self::prepared(record, otherwise)
    }

    /// The prepared record, or one with the alert `otherwise` if it is empty.
    pub(crate) fn prepared(record: Vec<u8>, otherwise: Option<AlertDescription>) -> Self {
        match otherwise {
            Some(description) if record.is_empty() => Self::fatal(description),
            _ => Self { record, sent: 0 },
        }
    }

    /// For errors on our side.
    pub(crate) fn internal_error() -> Self {
        Self::fatal(AlertDescription::InternalError)
    }

    /// RFC 8446, sections 5.1 and 6: the record of a fatal alert, without encryption.
    pub(crate) fn fatal(description: AlertDescription) -> Self {
        const ALERT: u8 = 21;
        const FATAL: u8 = 2;
        Self {
            record: vec![ALERT, 3, 3, 0, 2, FATAL, description.into()],
            sent: 0,
        }
    }

    /// The unsent part.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.record[self.sent..]
    }

    /// Records that `count` more bytes were sent.
    pub(crate) fn advance(&mut self, count: usize) {
        self.sent += count;
    }
}

#[cfg(test)]
mod tests {
    use rustls::server::Acceptor;
    use rustls::{ContentType, HandshakeType, InvalidMessage};

    use super::*;

    /// An alert that rustls has prepared for a ClientHello of another protocol.
    fn prepared() -> AcceptedAlert {
        let mut acceptor = Acceptor::default();
        acceptor
            .read_tls(&mut &b"GET / HTTP/1.1"[..])
            .expect("memory");
        acceptor.accept().expect_err("no ClientHello").1
    }

    #[test]
    fn each_error_has_the_alert_that_a_connection_would_send() {
        for (error, alert) in [
            (
                InvalidMessage::PreSharedKeyIsNotFinalExtension.into(),
                AlertDescription::IllegalParameter,
            ),
            (
                InvalidMessage::MessageTooShort.into(),
                AlertDescription::DecodeError,
            ),
        ] {
            let last = Alert::new(&error, prepared()).rest().last().copied();
            assert_eq!(last, Some(u8::from(alert)), "{error:?}");
        }
        // Nothing is prepared for these.
        for (error, alert) in [
            (
                Error::InappropriateHandshakeMessage {
                    expect_types: vec![HandshakeType::ClientHello],
                    got_type: HandshakeType::Finished,
                },
                AlertDescription::UnexpectedMessage,
            ),
            (
                Error::InappropriateMessage {
                    expect_types: vec![ContentType::Handshake],
                    got_type: ContentType::ApplicationData,
                },
                AlertDescription::UnexpectedMessage,
            ),
        ] {
            let mut empty = prepared();
            empty.write_all(&mut Vec::new()).expect("a vector");
            let last = Alert::new(&error, empty).rest().last().copied();
            assert_eq!(last, Some(u8::from(alert)), "{error:?}");
        }
    }
}
