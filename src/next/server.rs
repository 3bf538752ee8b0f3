//! The server's side: acceptors, and the stream that they make.

use std::io;
use std::sync::Arc;

use rustls_next::{ServerConfig, ServerSide, Tcp};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::next::Connection;
use crate::engine::{Alert, InputBuffer};
use crate::error::ErrorKind;
use crate::options::Options;
use crate::stream::{self, FallibleHandshake, Handshake};

/// A TLS stream of a server.
pub type TlsStream<IO> = stream::TlsStream<IO, Connection<ServerSide>>;

/// The handshake of a server.
pub type Accept<IO> = Handshake<IO, Connection<ServerSide>>;

/// The handshake of a server, which gives the transport back on failure.
pub type FallibleAccept<IO> = FallibleHandshake<IO, Connection<ServerSide>>;

/// Makes TLS connections as a server.
///
/// ```no_run
/// use pollback::next::TlsAcceptor;
/// use pollback::next::rustls::ServerConfig;
/// use std::sync::Arc;
/// use tokio::net::TcpListener;
///
/// # async fn serve(config: ServerConfig) -> std::io::Result<()> {
/// let acceptor = TlsAcceptor::from(Arc::new(config));
/// let listener = TcpListener::bind("127.0.0.1:4433").await?;
/// loop {
///     let (tcp, _) = listener.accept().await?;
///     let accept = acceptor.accept(tcp);
///     tokio::spawn(async move {
///         let stream = accept.await?;
///         // Use the stream.
///         # drop(stream);
///         std::io::Result::Ok(())
///     });
/// }
/// # }
/// ```
///
/// # Early data
///
/// With [`ServerConfig::max_early_data_size`] the early data of a client is what the stream reads
/// first. It can be replayed by an attacker: RFC 8446, section 8. `accept` resolves at the end of the
/// handshake.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    options: Options,
}

impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self {
            config,
            options: Options::new(),
        }
    }
}

impl TlsAcceptor {
    /// Makes streams use their transports as `options` say.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Makes a TLS connection with the client on the transport `stream`.
    ///
    /// Resolves when the client has proved that it knows the keys; it does not wait for the client
    /// to take the session tickets. See [`Handshake`] for its errors and what happens when it is
    /// dropped.
    pub fn accept<IO>(&self, stream: IO) -> Accept<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        accept(Arc::clone(&self.config), stream, InputBuffer::default()).with_options(self.options)
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

/// The handshake of a server on a transport from which `input` was read.
fn accept<IO>(config: Arc<ServerConfig>, io: IO, input: InputBuffer) -> Accept<IO> {
    if let Err(kind) = ErrorKind::check_alpn(&config.alpn_protocols) {
        return Accept::refused(io, Alert::internal_error(), kind.into());
    }
    match rustls_next::Connection::<ServerSide, Tcp>::new(config) {
        Ok(connection) => {
            let connection = Connection::new(connection, Vec::new());
            Accept::new(TlsStream::new(io, connection, input))
        }
        Err(error) => Accept::refused(io, Alert::internal_error(), io::Error::other(error)),
    }
}
