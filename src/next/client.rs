//! Clients: connectors, and the streams that they return.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls_next::client::danger::ServerIdentity;
use rustls_next::crypto::VerifiedIdentity;
use rustls_next::enums::ApplicationProtocol;
use rustls_next::pki_types::ServerName;
use rustls_next::{ClientConfig, ClientSide, Error};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::InputBuffer;
use crate::engine::next::Connection;
use crate::engine::next_verify::Verifier;
use crate::error::ErrorKind;
use crate::options::Options;
use crate::stream::{self, FallibleHandshake, Handshake, HandshakeSettings};

/// The TLS stream of a client.
pub type TlsStream<IO> = stream::TlsStream<IO, Connection<ClientSide>>;

/// The handshake of a client.
pub type Connect<IO> = Handshake<IO, Connection<ClientSide>>;

/// The handshake of a client that returns the transport on failure.
pub type FallibleConnect<IO> = FallibleHandshake<IO, Connection<ClientSide>>;

/// Connects to TLS servers over any transport.
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
    settings: HandshakeSettings,
    alpn: Option<Vec<ApplicationProtocol<'static>>>,
    verifier: Option<Verifier<ClientSide>>,
}

/// Omits the configuration, which can hold keys.
impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector")
            .field("settings", &self.settings)
            .field("alpn", &self.alpn)
            .field("has_verifier", &self.verifier.is_some())
            .finish_non_exhaustive()
    }
}

impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self {
            config,
            settings: HandshakeSettings::default(),
            alpn: None,
            verifier: None,
        }
    }
}

impl TlsConnector {
    /// Sends the first writes as early data (0-RTT) if a ticket of an earlier connection allows it.
    ///
    /// [`ClientConfig::enable_early_data`] must be set too. The handshake future then resolves at
    /// once, and the first reads and writes perform the handshake. Early data that the server rejects
    /// is sent again after the handshake. An attacker can replay early data (RFC 8446, section 8).
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
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Returns a connector that offers these application protocols instead of those of the
    /// configuration.
    #[must_use]
    pub fn with_alpn(mut self, protocols: Vec<ApplicationProtocol<'static>>) -> Self {
        self.alpn = Some(protocols);
        self
    }

    /// Verifies the identity of servers with `verifier`, which is asynchronous.
    ///
    /// It is called with the identity that the server presents, and the handshake continues when
    /// the future that it returns has resolved. The future is polled together with the handshake,
    /// and dropped with it. If it resolves to an error, an alert is sent to the server and the
    /// handshake fails.
    ///
    /// It replaces [`ServerVerifier::verify_identity`] of the configuration's
    /// [`verifier`](ClientConfig::verifier), which still checks signatures. So **it has to check
    /// the certificate chain, the name and the validity period**. In this example it calls the
    /// configuration's verifier for that, and then queries another service. It is not called when a
    /// session is resumed.
    ///
    /// [`ServerVerifier::verify_identity`]: rustls_next::client::danger::ServerVerifier::verify_identity
    ///
    /// ```no_run
    /// use pollback::next::TlsConnector;
    /// use pollback::next::rustls::ClientConfig;
    /// use pollback::next::rustls::crypto::Identity;
    /// use pollback::next::rustls::error::{CertificateError, Error};
    /// use std::sync::Arc;
    ///
    /// # async fn is_revoked(_: &Identity<'_>) -> std::io::Result<bool> { Ok(false) }
    /// fn careful(config: Arc<ClientConfig>) -> TlsConnector {
    ///     let verifier = Arc::clone(config.verifier());
    ///     TlsConnector::from(config).with_verifier(move |presented| {
    ///         let verified = verifier.verify_identity(presented);
    ///         async move {
    ///             let verified = verified?;
    ///             match is_revoked(verified.identity()).await {
    ///                 Ok(false) => Ok(verified),
    ///                 Ok(true) => Err(CertificateError::Revoked.into()),
    ///                 Err(_) => Err(CertificateError::UnknownRevocationStatus.into()),
    ///             }
    ///         }
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn with_verifier<F, V>(mut self, verifier: F) -> Self
    where
        F: Fn(&ServerIdentity<'static, '_>) -> V + Send + Sync + 'static,
        V: Future<Output = Result<VerifiedIdentity<'static>, Error>> + Send + 'static,
    {
        self.verifier = Some(Arc::new(verifier));
        self
    }

    /// Performs the handshake with the server `domain` over the transport `stream`.
    ///
    /// See [`Handshake`] for errors and cancel safety.
    pub fn connect<IO>(&self, domain: ServerName<'static>, stream: IO) -> Connect<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let protocols = self.alpn.as_ref().unwrap_or(&self.config.alpn_protocols);
        if let Err(kind) = ErrorKind::check_alpn(protocols) {
            return Connect::failed(stream, kind.into());
        }
        let mut connection = match self.start(domain) {
            Ok(connection) => connection,
            Err(error) => return Connect::failed(stream, io::Error::other(error)),
        };
        let has_early_data = connection.has_early_data();
        let stream = TlsStream::new(stream, connection, InputBuffer::default());
        self.settings.connect(stream, has_early_data)
    }

    fn start(&self, domain: ServerName<'static>) -> Result<Connection<ClientSide>, Error> {
        let mut builder = self.config.connect(domain);
        if let Some(protocols) = &self.alpn {
            builder = builder.with_alpn(protocols.clone());
        }
        let mut output = Vec::new();
        Ok(match &self.verifier {
            None => Connection::new(builder.build(&mut output)?, &output),
            Some(verifier) => {
                let start = builder.start_handshake(&mut output)?;
                Connection::verifying(start, (), Arc::clone(verifier), &output)
            }
        })
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }
}
