//! What a program asks of a connection of rustls 0.24.

use std::fmt;
use std::ops::Deref;

use rustls_next::error::ApiMisuse;
use rustls_next::{ClientSide, ConnectionOutputs, Error, KeyingMaterialExporter, ServerSide};

use super::next::{Connection, State};
use super::next_early::Early;
use super::next_sides::Sided;

impl<S: Sided> Connection<S> {
    /// Whether the handshake still has to complete.
    #[inline]
    pub fn is_handshaking(&self) -> bool {
        !matches!(self.state, State::Traffic(_))
    }

    /// What this side alone knows of the connection: the server name, or what has become of early
    /// data.
    pub fn side(&self) -> &S {
        match &self.state {
            State::Handshake(handshake) => handshake.connection.side(),
            State::Verifying(verifying) => &verifying.side,
            State::Traffic(receiver) => receiver.side(),
        }
    }

    /// Keying material for other protocols (RFC 5705); once a connection.
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

    /// Keying material that early data is sent with (RFC 8446, section 7.5); once a connection.
    ///
    /// # Errors
    ///
    /// `ApiMisuse` where there is none, and the second time.
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

    /// Changes the keys of TLS 1.3, and asks the peer to change its own. The message goes out with the
    /// next write or flush of the stream.
    ///
    /// # Errors
    ///
    /// [`Error::HandshakeNotComplete`] during the handshake, and with TLS 1.2; whatever rustls says
    /// after a failure or a shutdown.
    pub fn refresh_traffic_keys(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Traffic(_) => self.sender.refresh_traffic_keys(),
            _ => Err(Error::HandshakeNotComplete),
        }
    }

    /// Takes out the ciphertext that waits for the transport.
    pub fn take_ciphertext(&mut self) -> Vec<u8> {
        self.sender.output.take()
    }

    /// Takes out the plaintext that was decrypted and not read, early data first, where the connection
    /// is with no stream.
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
    /// Whether the server has accepted early data, as
    /// [`ClientSide::is_early_data_accepted`].
    pub fn is_early_data_accepted(&self) -> bool {
        self.side().is_early_data_accepted()
    }

    /// How many tickets of TLS 1.3 the server has sent; none are counted during the handshake, nor
    /// once the server has closed.
    pub fn tls13_tickets_received(&self) -> u32 {
        match &self.state {
            State::Traffic(receiver) => receiver.tls13_tickets_received(),
            _ => 0,
        }
    }
}

impl Connection<ServerSide> {
    /// Puts `data` into the tickets of this connection; a client that resumes it shows the data again
    /// ([`ServerSide::received_resumption_data`]).
    ///
    /// # Errors
    ///
    /// `ApiMisuse` after the ClientHello, and in a handshake with a verifier.
    ///
    /// # Panics
    ///
    /// If the data is not shorter than 2^15 bytes.
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
