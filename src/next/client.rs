//! The client's side: connectors, and the stream that they make.

use std::io;
use std::sync::Arc;

use rustls_next::enums::ApplicationProtocol;
use rustls_next::pki_types::ServerName;
use rustls_next::{ClientConfig, ClientSide};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::next::Connection;
use crate::engine::{Engine as _, InputBuffer};
use crate::error::ErrorKind;
use crate::options::Options;
use crate::stream::{self, FallibleHandshake, Handshake};

/// A TLS stream of a client.
pub type TlsStream<IO> = stream::TlsStream<IO, Connection<ClientSide>>;

/// The handshake of a client.
pub type Connect<IO> = Handshake<IO, Connection<ClientSide>>;

/// The handshake of a client, which gives the transport back on failure.
pub type FallibleConnect<IO> = FallibleHandshake<IO, Connection<ClientSide>>;

/// Makes TLS connections as a client.
///
/// ```no_run
/// use pollback::next::rustls::{ClientConfig, RootCertStore};
/// use pollback::next::{TlsConnector, aws_lc_rs};
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// # async fn connect(roots: RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
/// let config = ClientConfig::builder(Arc::new(aws_lc_rs::DEFAULT_PROVIDER))
///     .with_root_certificates(roots)
///     .with_no_client_auth()?;
/// let connector = TlsConnector::from(Arc::new(config));
///
/// let tcp = TcpStream::connect("example.com:443").await?;
/// let stream = connector.connect("example.com".try_into()?, tcp).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    options: Options,
    early_data: bool,
    alpn: Option<Vec<ApplicationProtocol<'static>>>,
}

impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self {
            config,
            options: Options::new(),
            early_data: false,
            alpn: None,
        }
    }
}

impl TlsConnector {
    /// Sends what is written first as early data (0-RTT), where a ticket of an earlier connection
    /// allows it.
    ///
    /// [`ClientConfig::enable_early_data`] must be set too. The handshake then resolves at once,
    /// and the first reads and writes carry it out. Early data that the server does not take is
    /// sent again after the handshake. It can be replayed by an attacker: RFC 8446, section 8.
    #[must_use]
    pub fn early_data(mut self, enabled: bool) -> Self {
        self.early_data = enabled;
        self
    }

    /// Makes streams use their transports as `options` say.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Offers these application protocols instead of those of the configuration.
    #[must_use]
    pub fn with_alpn(mut self, protocols: Vec<ApplicationProtocol<'static>>) -> Self {
        self.alpn = Some(protocols);
        self
    }

    /// Makes a TLS connection to the server `domain` on the transport `stream`.
    ///
    /// See [`Handshake`] for its errors and what happens when it is dropped.
    pub fn connect<IO>(&self, domain: ServerName<'static>, stream: IO) -> Connect<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let protocols = self.alpn.as_ref().unwrap_or(&self.config.alpn_protocols);
        if let Err(kind) = ErrorKind::check_alpn(protocols) {
            return Connect::failed(stream, kind.into());
        }
        let mut builder = self.config.connect(domain);
        if let Some(protocols) = &self.alpn {
            builder = builder.with_alpn(protocols.clone());
        }
        let mut output = Vec::new();
        let mut connection = match builder.build(&mut output) {
            Ok(connection) => connection,
            Err(error) => return Connect::failed(stream, io::Error::other(error)),
        };
        let early_data = self.early_data && connection.early_data().is_some();
        let connection = Connection::new(connection, &output);
        let stream =
            TlsStream::new(stream, connection, InputBuffer::default()).with_options(&self.options);
        Connect::new(if early_data {
            stream.with_early_data()
        } else {
            stream
        })
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}

impl<IO> From<(IO, Connection<ClientSide>)> for TlsStream<IO> {
    /// Continues a connection that was taken out of a stream with
    /// [`into_inner`](stream::TlsStream::into_inner).
    fn from((io, mut connection): (IO, Connection<ClientSide>)) -> Self {
        let input = connection.take_stowed().unwrap_or_default();
        Self::adopt(io, connection, input)
    }
}
