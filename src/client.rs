//! Clients: connectors, and the streams that they return.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, CommonState};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::InputBuffer;
use crate::error::ErrorKind;
use crate::options::Options;
use crate::stream::{self, FallibleHandshake, Handshake, HandshakeSettings, TlsConnection};

/// The TLS stream of a client.
pub type TlsStream<IO> = stream::TlsStream<IO, ClientConnection>;

/// The handshake of a client.
pub type Connect<IO> = Handshake<IO, ClientConnection>;

/// The handshake of a client that returns the transport on failure.
pub type FallibleConnect<IO> = FallibleHandshake<IO, ClientConnection>;

/// Connects to TLS servers over any transport.
///
/// It holds a [`ClientConfig`] and can be cloned at low cost.
///
/// ```no_run
/// use pollback::TlsConnector;
/// use pollback::rustls::{ClientConfig, RootCertStore};
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// # async fn connect(roots: RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
/// let config = ClientConfig::builder()
///     .with_root_certificates(roots)
///     .with_no_client_auth();
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
    settings: HandshakeSettings,
}

/// A [`TlsConnector`] with its own application protocols (ALPN).
///
/// Returned by [`TlsConnector::with_alpn`].
///
/// ```no_run
/// use pollback::{TlsConnector, client::TlsStream};
/// use tokio::net::TcpStream;
///
/// async fn connect(connector: &TlsConnector, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
///     let name = "example.com".try_into().expect("a valid name");
///     connector.with_alpn(vec![b"h2".to_vec()]).connect(name, tcp).await
/// }
/// ```
#[must_use = "nothing is connected unless you call `connect`"]
pub struct TlsConnectorWithAlpn<'c> {
    connector: &'c TlsConnector,
    alpn_protocols: Vec<Vec<u8>>,
}

/// Omits the configuration, which can hold keys.
impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsConnectorWithAlpn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnectorWithAlpn")
            .field("connector", &self.connector)
            .field("alpn_protocols", &self.alpn_protocols)
            .finish()
    }
}

impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self {
            config,
            settings: HandshakeSettings::default(),
        }
    }
}

impl TlsConnector {
    /// Sends the first writes as early data (0-RTT) if a ticket of an earlier connection allows it.
    ///
    /// [`ClientConfig::enable_early_data`] must be set too. The handshake future then resolves at
    /// once, and the first reads and writes perform the handshake. Early data that the server rejects
    /// is sent again after the handshake. An attacker can replay early data (RFC 8446, section 8).
    ///
    /// ```no_run
    /// use pollback::{TlsConnector, client::TlsStream};
    /// use pollback::rustls::ClientConfig;
    /// use std::{io, sync::Arc};
    /// use tokio::{io::AsyncWriteExt, net::TcpStream};
    ///
    /// /// A request that does no harm if it arrives twice. `config` keeps the tickets.
    /// async fn get(config: Arc<ClientConfig>, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    ///     let connector = TlsConnector::from(config).early_data(true);
    ///     let name = "example.com".try_into().map_err(io::Error::other)?;
    ///     let mut stream = connector.connect(name, tcp).await?;
    ///     stream.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").await?;
    ///     stream.flush().await?;
    ///     Ok(stream)
    /// }
    /// ```
    #[cfg(feature = "early-data")]
    #[must_use]
    pub fn early_data(mut self, enabled: bool) -> Self {
        self.settings.early_data = enabled;
        self
    }

    /// Sets the [`Options`] of the streams.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.settings.options = options;
        self
    }

    /// Sets how long each handshake may take from its first poll: see [`Handshake::with_timeout`].
    ///
    /// By default there is no timeout. It does not include what happens before the handshake, such as
    /// connecting the transport: use `tokio::time::timeout` to bound both together.
    ///
    /// ```
    /// use pollback::{Error, ErrorKind, TlsConnector};
    /// use pollback::rustls::ClientConfig;
    /// use std::sync::Arc;
    /// use std::time::Duration;
    /// use tokio::net::TcpStream;
    ///
    /// # async fn connect(config: Arc<ClientConfig>, tcp: TcpStream) -> std::io::Result<()> {
    /// let connector = TlsConnector::from(config).with_handshake_timeout(Duration::from_secs(10));
    /// let name = "example.com".try_into().expect("a valid name");
    /// if let Err(error) = connector.connect(name, tcp).await {
    ///     match Error::find(&error).map(|error| error.kind()) {
    ///         Some(ErrorKind::HandshakeTimeout) => eprintln!("the server does not respond"),
    ///         _ => return Err(error),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Performs the handshake with the server `domain` over the transport `stream`.
    ///
    /// See [`Handshake`] for errors and cancel safety.
    pub fn connect<IO>(&self, domain: ServerName<'static>, stream: IO) -> Connect<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.connect_with(domain, stream, |_| ())
    }

    /// Like [`connect`](Self::connect), but calls `f` with the connection before the handshake.
    pub fn connect_with<IO, F>(&self, domain: ServerName<'static>, stream: IO, f: F) -> Connect<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
        F: FnOnce(&mut ClientConnection),
    {
        self.start(domain, stream, self.config.alpn_protocols.clone(), f)
    }

    /// Returns a connector that offers `alpn_protocols` instead of those of the configuration.
    pub fn with_alpn(&self, alpn_protocols: Vec<Vec<u8>>) -> TlsConnectorWithAlpn<'_> {
        TlsConnectorWithAlpn {
            connector: self,
            alpn_protocols,
        }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    fn start<IO, F>(
        &self,
        domain: ServerName<'static>,
        io: IO,
        alpn_protocols: Vec<Vec<u8>>,
        f: F,
    ) -> Connect<IO>
    where
        F: FnOnce(&mut ClientConnection),
    {
        if let Err(kind) = ErrorKind::check_alpn(&alpn_protocols) {
            return Connect::failed(io, kind.into());
        }
        let config = Arc::clone(&self.config);
        let mut connection = match ClientConnection::new_with_alpn(config, domain, alpn_protocols) {
            Ok(connection) => connection,
            Err(error) => return Connect::failed(io, io::Error::other(error)),
        };
        f(&mut connection);
        let has_early_data = connection.early_data().is_some();
        let stream = TlsStream::new(io, connection, InputBuffer::default());
        self.settings.connect(stream, has_early_data)
    }
}

impl TlsConnectorWithAlpn<'_> {
    /// Like [`TlsConnector::connect`].
    pub fn connect<IO>(self, domain: ServerName<'static>, stream: IO) -> Connect<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.connect_with(domain, stream, |_| ())
    }

    /// Like [`TlsConnector::connect_with`].
    pub fn connect_with<IO, F>(self, domain: ServerName<'static>, stream: IO, f: F) -> Connect<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
        F: FnOnce(&mut ClientConnection),
    {
        self.connector.start(domain, stream, self.alpn_protocols, f)
    }
}

impl TlsConnection for ClientConnection {
    type CommonState = CommonState;

    fn common_state(&self) -> &CommonState {
        self
    }
}

impl<IO> From<(IO, ClientConnection)> for TlsStream<IO> {
    /// Creates a stream from a connection that other code has driven over the transport so far.
    ///
    /// Nothing may have been written after a close_notify or as early data, which cannot be seen from
    /// the connection.
    fn from((io, connection): (IO, ClientConnection)) -> Self {
        Self::adopt(io, connection, InputBuffer::unframed())
    }
}
