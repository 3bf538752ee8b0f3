//! Passes a ClientHello to rustls, before there is a connection.

use std::io::{self, Read};

use rustls::server::{Accepted, Acceptor};
use rustls::{AlertDescription, Error, InvalidMessage};

use super::framing::Head;
use super::{Alert, InputBuffer};

/// Reads ciphertext until it is a complete ClientHello.
pub(crate) trait AcceptHello {
    type Accepted;

    /// Reads ciphertext, with one call of `source`.
    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize>;

    /// Returns the ClientHello, `None` if it is incomplete, or the reason why there will be none
    /// and the alert for the client.
    fn accept(&mut self) -> Result<Option<Self::Accepted>, (Alert, io::Error)>;
}

/// Processes buffered records until they contain a complete ClientHello.
pub(crate) fn accept<A: AcceptHello>(
    acceptor: &mut A,
    input: &mut InputBuffer,
) -> Result<Option<A::Accepted>, (Alert, io::Error)> {
    loop {
        let length = match input.head() {
            _ if !input.is_framed() => input.filled().len(),
            Head::Whole(length) => length,
            Head::Partial(_) => return Ok(None),
            // rustls reports what is wrong with it.
            Head::Invalid => {
                input.set_framed(false);
                input.filled().len()
            }
        };
        if length == 0 {
            return Ok(None);
        }
        let mut record = input.first(length, 0);
        while !record.is_empty() {
            // Reading from memory does not fail, so the message is larger than rustls accepts.
            if !matches!(acceptor.read_tls(&mut record), Ok(1..)) {
                let error = Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge);
                let error = io::Error::new(io::ErrorKind::InvalidData, error);
                return Err((Alert::decode_error(), error));
            }
        }
        match acceptor.accept()? {
            None => {}
            accepted => return Ok(accepted),
        }
    }
}

impl AcceptHello for Acceptor {
    type Accepted = Accepted;

    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.read_tls(source)
    }

    fn accept(&mut self) -> Result<Option<Accepted>, (Alert, io::Error)> {
        self.accept().map_err(|(error, alert)| {
            let alert = Alert::new(&error, alert);
            (alert, io::Error::new(io::ErrorKind::InvalidData, error))
        })
    }
}

impl Alert {
    /// For bytes that cannot be parsed.
    pub(crate) fn decode_error() -> Self {
        Self::fatal(AlertDescription::DecodeError)
    }
}
