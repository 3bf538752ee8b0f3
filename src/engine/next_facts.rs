//! What a program can query from a connection of rustls 0.24.

use std::fmt;
use std::ops::Deref;

use rustls_next::error::ApiMisuse;
use rustls_next::{ClientSide, ConnectionOutputs, Error, KeyingMaterialExporter, ServerSide};

use super::next::{Connection, State};
use super::next_early::Early;
use super::next_sides::Sided;

impl<S: Sided> Connection<S> {
    /// Returns whether the handshake still has to complete.
    #[inline]
    pub fn is_handshaking(&self) -> bool {
        !matches!(self.state, State::Traffic(_))
    }

    /// Returns what only this side knows about the connection, such as the server name or the
    /// status of early data.
    pub fn side(&self) -> &S {
        match &self.state {
            State::Handshake(handshake) => handshake.connection.side(),
            State::Verifying(verifying) => &verifying.side,
            State::Traffic(receiver) => receiver.side(),
        }
    }

    /// Returns keying material for other protocols (RFC 5705), once per connection.
    ///
    /// # Errors
    ///
    /// [`Error::HandshakeNotComplete`] during the handshake; `ApiMisuse` the second time.
    pub fn exporter(&mut self) -> Result<KeyingMaterialExporter, Error> {
        match &mut self.state {
            State::Traffic(receiver) => receiver.exporter(),
            _ => Err(Error::HandshakeNotComplete),
        }
    }

    /// Returns the keying material of early data (RFC 8446, section 7.5), once per connection.
    ///
    /// # Errors
    ///
    /// `ApiMisuse` if there is none, and the second time.
    pub fn early_exporter(&mut self) -> Result<KeyingMaterialExporter, Error> {
        match &mut self.state {
            State::Handshake(handshake) => match handshake.early.take_exporter() {
                Some(exporter) => Ok(exporter),
                None => handshake.connection.early_exporter(),
            },
            State::Verifying(verifying) => verifying.outputs.early_exporter(),
            State::Traffic(receiver) => receiver.early_exporter(),
        }
    }

    /// Updates the traffic keys of TLS 1.3, and requests that the peer does the same. The message
    /// is sent with the next write or flush of the stream.
    ///
    /// # Errors
    ///
    /// [`Error::HandshakeNotComplete`] during the handshake, and with TLS 1.2; the error of rustls
    /// after a failure or a shutdown.
    pub fn refresh_traffic_keys(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Traffic(_) => self.sender.refresh_traffic_keys(),
            _ => Err(Error::HandshakeNotComplete),
        }
    }

    /// Removes and returns the ciphertext that is not transmitted yet.
    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        self.sender.output.take()
    }

    /// Removes and returns the plaintext that was decrypted and not read, early data first, while
    /// the connection is not part of a stream.
    pub fn take_plaintext(&mut self) -> Vec<u8> {
        let mut plaintext = self.early().map(Early::take).unwrap_or_default();
        if let Some(input) = &mut self.stowed {
            plaintext.extend_from_slice(input.plaintext());
            input.consume(input.plaintext().len());
        }
        plaintext
    }
}

impl Connection<ClientSide> {
    /// Returns whether the server has accepted early data, as
    /// [`ClientSide::is_early_data_accepted`].
    pub fn is_early_data_accepted(&self) -> bool {
        self.side().is_early_data_accepted()
    }

    /// Returns the number of TLS 1.3 tickets that the server has sent; 0 during the handshake, and
    /// once the server has closed.
    pub fn tls13_tickets_received(&self) -> u32 {
        match &self.state {
            State::Traffic(receiver) => receiver.tls13_tickets_received(),
            _ => 0,
        }
    }
}

impl Connection<ServerSide> {
    /// Stores `data` in the tickets of this connection; a client that resumes it returns the data
    /// ([`ServerSide::received_resumption_data`]).
    ///
    /// # Errors
    ///
    /// `ApiMisuse` after the ClientHello, and in a handshake with a verifier.
    ///
    /// # Panics
    ///
    /// If `data` is 2^15 bytes or longer.
    pub fn set_resumption_data(&mut self, data: &[u8]) -> Result<(), Error> {
        match &mut self.state {
            State::Handshake(handshake) => handshake.connection.set_resumption_data(data),
            _ => Err(ApiMisuse::ResumptionDataProvidedTooLate.into()),
        }
    }
}

impl<S: Sided> Deref for Connection<S> {
    type Target = ConnectionOutputs;

    fn deref(&self) -> &ConnectionOutputs {
        match &self.state {
            State::Handshake(handshake) => &handshake.connection,
            State::Verifying(verifying) => &verifying.outputs,
            State::Traffic(receiver) => receiver.outputs(),
        }
    }
}

impl<S: Sided> fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("is_handshaking", &self.is_handshaking())
            .field("outputs", &**self)
            .field("side", self.side())
            .finish_non_exhaustive()
    }
}
