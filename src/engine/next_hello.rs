//! Passes a ClientHello to rustls 0.24, before there is a connection.

use std::io::{self, Read};

use rustls::AlertDescription;
use rustls_next::server::{Accepted, ServerHandshake};
use rustls_next::{Error, NeedsInput, ServerSide, Tcp, VecInput};

use super::{AcceptHello, Alert};
use crate::error::ErrorKind;

/// Collects ciphertext until it is a complete ClientHello.
pub(crate) struct HelloAcceptor {
    /// `None` once there is a ClientHello, or it is certain that there will be none.
    handshake: Option<NeedsInput<ServerSide>>,
    input: VecInput,
    bytes: Vec<u8>,
}

/// A ClientHello, and its bytes as received.
pub(crate) struct AcceptedHello {
    pub(crate) accepted: Accepted<Tcp>,
    /// They are passed to a new connection once there is a configuration: a handshake that
    /// continues from `accepted` would drop early data.
    pub(crate) bytes: Vec<u8>,
}

impl HelloAcceptor {
    pub(crate) fn new() -> Self {
        Self {
            handshake: Some(ServerHandshake::start()),
            input: VecInput::default(),
            bytes: Vec::new(),
        }
    }
}

impl AcceptHello for HelloAcceptor {
    type Accepted = AcceptedHello;

    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        self.input.read(&mut Noted(source, &mut self.bytes))
    }

    fn accept(&mut self) -> Result<Option<AcceptedHello>, (Alert, io::Error)> {
        let Some(handshake) = self.handshake.take() else {
            return Ok(None);
        };
        let mut alert = Vec::new();
        match handshake.process(&mut self.input, &mut alert) {
            Ok(ServerHandshake::NeedsInput(handshake)) => {
                self.handshake = Some(handshake);
                Ok(None)
            }
            Ok(ServerHandshake::Accepted(accepted)) => Ok(Some(AcceptedHello {
                accepted,
                bytes: std::mem::take(&mut self.bytes),
            })),
            // A handshake without a configuration has no other state.
            Ok(_) => Err((Alert::internal_error(), ErrorKind::Tls.into())),
            Err(error) => {
                let otherwise = match error {
                    Error::AlertReceived(_) => None,
                    _ => Some(AlertDescription::InternalError),
                };
                let error = io::Error::new(io::ErrorKind::InvalidData, error);
                Err((Alert::prepared(alert, otherwise), error))
            }
        }
    }
}

/// A source whose bytes are recorded.
struct Noted<'a>(&'a mut dyn Read, &'a mut Vec<u8>);

impl Read for Noted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buf)?;
        self.1.extend_from_slice(&buf[..read]);
        Ok(read)
    }
}
