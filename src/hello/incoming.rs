//! A connection whose ClientHello was read.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{ClientHello, Refuse, Rewind};
use crate::engine::{Alert, InputBuffer};
use crate::error::ErrorKind;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyHeader;
use crate::server::{Accept, TlsStream};
use crate::stream::Leftover;

/// A connection whose ClientHello was read, to be accepted, passed on or refused.
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct Incoming<IO> {
    hello: ClientHello,
    io: IO,
    /// Where to leave the transport when the client is refused, instead of dropping it.
    leftover: Option<Leftover<IO>>,
    #[cfg(feature = "proxy-protocol")]
    proxy_header: Option<Arc<ProxyHeader>>,
}

impl<IO> Incoming<IO> {
    /// Creates a connection whose ClientHello was read from `io` by other code, with no byte after it.
    pub fn new(hello: ClientHello, io: IO) -> Self {
        Self {
            hello,
            io,
            leftover: None,
            #[cfg(feature = "proxy-protocol")]
            proxy_header: None,
        }
    }

    /// Stores the client's PROXY header, from a trusted proxy.
    #[cfg(feature = "proxy-protocol")]
    pub(crate) fn introduced_by(mut self, header: Option<Arc<ProxyHeader>>) -> Self {
        self.proxy_header = header;
        self
    }

    /// Returns the client's PROXY header, if a listener has received one from a trusted proxy.
    #[cfg(feature = "proxy-protocol")]
    pub fn proxy_header(&self) -> Option<&Arc<ProxyHeader>> {
        self.proxy_header.as_ref()
    }

    /// Leaves the transport in `leftover` on failure, for a listener to continue with.
    #[cfg(feature = "listener")]
    pub(crate) fn leave_in(mut self, leftover: Leftover<IO>) -> Self {
        self.leftover = Some(leftover);
        self
    }

    /// Returns the ClientHello.
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
    /// Performs the handshake with `config`. If the configuration does not suit the client, an
    /// alert is sent.
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
        let refused = |io, error| Accept::refused(io, Alert::internal_error(), error);
        if let Err(kind) = ErrorKind::check_alpn(&config.alpn_protocols) {
            return refused(self.io, kind.into()).leave_in(self.leftover);
        }
        let half_rtt = config.send_half_rtt_data;
        let mut connection = match ServerConnection::new(config) {
            Ok(connection) => connection,
            Err(error) => {
                return refused(self.io, io::Error::other(error)).leave_in(self.leftover);
            }
        };
        f(&mut connection);
        // The stream begins with what was read already.
        let input = InputBuffer::holding(self.hello.records());
        let stream = TlsStream::new(self.io, connection, input);
        Accept::new(stream.with_half_rtt(half_rtt)).leave_in(self.leftover)
    }

    /// Refuses the connection with a fatal alert.
    pub fn refuse(self, alert: AlertDescription) -> Refuse<IO> {
        Refuse::new(self.io, Alert::fatal(alert))
    }

    /// Refuses the connection with a fatal alert, and returns `error`.
    ///
    /// For [`handshake_fn`](crate::listener::handshake_fn) and
    /// [`tls_or_plain`](crate::listener::tls_or_plain): the listener keeps the transport and reads
    /// what the client still sends, so that the alert arrives. Elsewhere the transport is dropped.
    ///
    /// ```
    /// use pollback::hello::Incoming;
    /// use pollback::rustls::AlertDescription;
    /// use std::io;
    /// use tokio::net::TcpStream;
    ///
    /// # async fn choose(incoming: Incoming<TcpStream>) -> io::Result<Incoming<TcpStream>> {
    /// if incoming.client_hello().server_name() != Some("one.example") {
    ///     let error = io::Error::new(io::ErrorKind::NotFound, "no such name");
    ///     let alert = AlertDescription::UnrecognisedName;
    ///     return Err(incoming.refuse_with(alert, error).await);
    /// }
    /// # Ok(incoming)
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// As for [`Refuse`]: dropping the future drops the transport.
    #[cfg(feature = "listener")]
    pub async fn refuse_with(mut self, alert: AlertDescription, error: io::Error) -> io::Error {
        let leftover = self.leftover.take();
        let io = self.refuse(alert).await;
        if let Some(leftover) = leftover {
            leftover.put(io);
        }
        error
    }
}
