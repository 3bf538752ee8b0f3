//! A connection whose ClientHello was read.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{ClientHello, Refuse, Rewind};
use crate::engine::{Alert, InputBuffer};
use crate::error::ErrorKind;
use crate::server::{Accept, TlsStream};

/// A connection whose ClientHello was read, and which is to be accepted, passed on or refused.
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct Incoming<IO> {
    hello: ClientHello,
    io: IO,
}

impl<IO> Incoming<IO> {
    /// Creates a connection whose ClientHello was read from `io` by other code, with no byte after it.
    pub fn new(hello: ClientHello, io: IO) -> Self {
        Self { hello, io }
    }

    /// Returns what the client offers and asks for.
    pub fn client_hello(&self) -> &ClientHello {
        &self.hello
    }

    /// Returns the transport. What is written to it reaches the client in plaintext.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Returns a mutable reference to the transport. Bytes that are read from it here are missing from
    /// the connection.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// Returns a transport from which the ClientHello is read again, followed by the rest.
    pub fn into_rewind(self) -> Rewind<IO> {
        Rewind::new(self.hello.into_records(), self.io)
    }
}

impl<IO> Incoming<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Performs the handshake with `config`. If that does not accept the client, an alert is sent.
    ///
    /// See [`Handshake`](crate::stream::Handshake) for errors and cancel safety.
    pub fn accept(self, config: Arc<ServerConfig>) -> Accept<IO> {
        self.accept_with(config, |_| ())
    }

    /// Like [`accept`](Self::accept), but calls `f` with the connection before it processes the
    /// ClientHello.
    pub fn accept_with<F>(self, config: Arc<ServerConfig>, f: F) -> Accept<IO>
    where
        F: FnOnce(&mut ServerConnection),
    {
        if let Err(kind) = ErrorKind::check_alpn(&config.alpn_protocols) {
            return Accept::refused(self.io, Alert::internal_error(), kind.into());
        }
        let half_rtt = config.send_half_rtt_data;
        let mut connection = match ServerConnection::new(config) {
            Ok(connection) => connection,
            Err(error) => {
                let error = io::Error::other(error);
                return Accept::refused(self.io, Alert::internal_error(), error);
            }
        };
        f(&mut connection);
        // The stream begins with what was read already.
        let input = InputBuffer::holding(self.hello.records());
        let stream = TlsStream::new(self.io, connection, input);
        Accept::new(stream.with_half_rtt(half_rtt))
    }

    /// Refuses the connection with a fatal alert.
    pub fn refuse(self, alert: AlertDescription) -> Refuse<IO> {
        Refuse::new(self.io, Alert::fatal(alert))
    }
}
