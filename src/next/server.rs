//! Servers: acceptors, and the streams that they return.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls_next::crypto::VerifiedIdentity;
use rustls_next::server::danger::ClientIdentity;
use rustls_next::server::{ClientHello, ServerHandshake};
use rustls_next::{Error, ServerConfig, ServerSide, Tcp};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::next::Connection;
use crate::engine::next_hello::{AcceptedHello, HelloAcceptor};
use crate::engine::next_verify::Verifier;
use crate::engine::{Alert, InputBuffer};
use crate::error::ErrorKind;
use crate::options::Options;
use crate::stream::{self, FallibleHandshake, Handshake, HandshakeSettings, ReadClientHello};

/// The TLS stream of a server.
pub type TlsStream<IO> = stream::TlsStream<IO, Connection<ServerSide>>;

/// The handshake of a server.
pub type Accept<IO> = Handshake<IO, Connection<ServerSide>>;

/// The handshake of a server that returns the transport on failure.
pub type FallibleAccept<IO> = FallibleHandshake<IO, Connection<ServerSide>>;

/// Accepts TLS clients over any transport.
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
/// With [`ServerConfig::max_early_data_size`], early data of a client is returned by the first
/// reads of the stream. An attacker can replay it (RFC 8446, section 8). `accept` resolves at the
/// end of the handshake, or before it with [`early_data`](Self::early_data).
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    settings: HandshakeSettings,
    verifier: Option<Verifier<ServerSide>>,
}

/// Omits the configuration, which can hold keys.
impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("settings", &self.settings)
            .field("has_verifier", &self.verifier.is_some())
            .finish_non_exhaustive()
    }
}

impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self {
            config,
            settings: HandshakeSettings::default(),
            verifier: None,
        }
    }
}

impl<IO> Accept<IO> {
    /// Makes the handshake resolve as soon as early data (0-RTT) is accepted, one round trip before
    /// the handshake is complete.
    ///
    /// The details, and the effect of [`ServerConfig::send_half_rtt_data`], are those of
    /// [`crate::Accept`].
    pub fn early_data(self, enabled: bool) -> Self {
        self.resolve_early(enabled)
    }
}

impl TlsAcceptor {
    /// Makes handshakes resolve as soon as early data (0-RTT) is accepted, so that the server can
    /// respond at once: see [`Accept::early_data`](Accept#method.early_data).
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

    /// Verifies the identity of clients with `verifier`, which is asynchronous.
    ///
    /// Works like [`TlsConnector::with_verifier`](super::TlsConnector::with_verifier). The
    /// configuration decides whether clients are asked for a certificate at all:
    /// [`with_client_cert_verifier`](rustls_next::ConfigBuilder::with_client_cert_verifier).
    ///
    /// Early data is rejected, and sent again by the client after the handshake: rustls
    /// 0.24.0-dev.2 drops it in handshakes that pause for verification.
    ///
    /// ```no_run
    /// use pollback::next::TlsAcceptor;
    /// use pollback::next::rustls::ServerConfig;
    /// use pollback::next::rustls::crypto::Identity;
    /// use pollback::next::rustls::error::{CertificateError, Error};
    /// use pollback::next::rustls::server::danger::ClientVerifier;
    /// use std::sync::Arc;
    ///
    /// # async fn is_welcome(_: &Identity<'_>) -> bool { true }
    /// /// The configuration has the same verifier.
    /// fn guarded(config: Arc<ServerConfig>, verifier: Arc<dyn ClientVerifier>) -> TlsAcceptor {
    ///     TlsAcceptor::from(config).with_verifier(move |presented| {
    ///         let verified = verifier.verify_identity(presented);
    ///         async move {
    ///             let verified = verified?;
    ///             match is_welcome(verified.identity()).await {
    ///                 true => Ok(verified),
    ///                 false => Err(CertificateError::ApplicationVerificationFailure.into()),
    ///             }
    ///         }
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn with_verifier<F, V>(mut self, verifier: F) -> Self
    where
        F: Fn(&ClientIdentity<'static, '_>) -> V + Send + Sync + 'static,
        V: Future<Output = Result<VerifiedIdentity<'static>, Error>> + Send + 'static,
    {
        self.verifier = Some(Arc::new(verifier));
        self
    }

    /// Performs the handshake with the client over the transport `stream`.
    ///
    /// Resolves once the client's Finished has arrived, and does not wait until the client has read
    /// the session tickets. See [`Handshake`] for errors and cancel safety.
    pub fn accept<IO>(&self, stream: IO) -> Accept<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.accept_with(stream, |_| ())
    }

    /// Like [`accept`](Self::accept), but calls `f` with the connection before the handshake, for
    /// example to call [`Connection::set_resumption_data`].
    pub fn accept_with<IO, F>(&self, stream: IO, f: F) -> Accept<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
        F: FnOnce(&mut Connection<ServerSide>),
    {
        self.begin(stream, InputBuffer::default(), f)
    }

    /// Starts the handshake on a transport from which `input` was read.
    fn begin<IO>(
        &self,
        io: IO,
        input: InputBuffer,
        f: impl FnOnce(&mut Connection<ServerSide>),
    ) -> Accept<IO> {
        if let Err(kind) = ErrorKind::check_alpn(&self.config.alpn_protocols) {
            return Accept::refused(io, Alert::internal_error(), kind.into());
        }
        let mut connection = match self.start() {
            Ok(connection) => connection,
            Err(error) => {
                return Accept::refused(io, Alert::internal_error(), io::Error::other(error));
            }
        };
        f(&mut connection);
        let stream =
            TlsStream::new(io, connection, input).with_half_rtt(self.config.send_half_rtt_data);
        self.settings.accept(stream)
    }

    fn start(&self) -> Result<Connection<ServerSide>, Error> {
        let config = Arc::clone(&self.config);
        Ok(match &self.verifier {
            None => Connection::new(
                rustls_next::Connection::<ServerSide, Tcp>::new(config)?,
                &[],
            ),
            Some(verifier) => {
                let mut config = config;
                if config.max_early_data_size > 0 {
                    Arc::make_mut(&mut config).max_early_data_size = 0;
                }
                Connection::verifying(ServerHandshake::start(), config, Arc::clone(verifier), &[])
            }
        })
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

/// Reads a ClientHello from the transport `IO`, so that the server can choose its configuration.
///
/// Resolves to a [`StartHandshake`].
///
/// # Errors
///
/// As for [`Handshake`]. If rustls rejects the ClientHello, an alert is sent before the error is
/// returned. Polling it again after it has resolved to a `StartHandshake`, or after
/// [`take_io`](Self::take_io), returns an error.
///
/// # Cancel safety
///
/// It is cancel safe if it is awaited by reference (`(&mut acceptor).await`) and then awaited again:
/// no byte is lost. [`take_io`](Self::take_io) returns the transport without what was read from it.
///
/// ```no_run
/// use pollback::next::LazyConfigAcceptor;
/// use pollback::next::rustls::ServerConfig;
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// # async fn route(tcp: TcpStream, one: Arc<ServerConfig>, other: Arc<ServerConfig>)
/// #     -> std::io::Result<()> {
/// let start = LazyConfigAcceptor::new(tcp).await?;
/// let config = match start.client_hello().server_name() {
///     Some(name) if name.as_ref() == "one.example" => one,
///     _ => other,
/// };
/// let stream = start.into_stream(config).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct LazyConfigAcceptor<IO> {
    read_client_hello: ReadClientHello<HelloAcceptor>,
    io: Option<IO>,
}

impl<IO> LazyConfigAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Creates a future that reads a ClientHello from `io`.
    pub fn new(io: IO) -> Self {
        Self {
            read_client_hello: ReadClientHello::new(HelloAcceptor::new()),
            io: Some(io),
        }
    }

    /// Returns the transport, after a failure or to stop waiting.
    ///
    /// Returns `None` if it was taken before or has become part of the [`StartHandshake`]. Bytes of
    /// the ClientHello that were read are lost.
    pub fn take_io(&mut self) -> Option<IO> {
        self.io.take()
    }
}

impl<IO> Future for LazyConfigAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = io::Result<StartHandshake<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let start = this.read_client_hello.poll_start(&mut this.io, cx);
        start.map_ok(|(hello, io, input)| StartHandshake { hello, io, input })
    }
}

/// A ClientHello and the transport that it came from, with which the handshake continues.
pub struct StartHandshake<IO> {
    hello: AcceptedHello,
    io: IO,
    /// Bytes that were read after the ClientHello.
    input: InputBuffer,
}

impl<IO> StartHandshake<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Returns the ClientHello.
    pub fn client_hello(&self) -> ClientHello<'_> {
        self.hello.accepted.client_hello()
    }

    /// Returns the transport.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Continues the handshake with `config`. If the configuration does not suit the client, an
    /// alert is sent.
    pub fn into_stream(self, config: Arc<ServerConfig>) -> Accept<IO> {
        self.into_stream_by(&config.into())
    }

    /// Continues the handshake with the configuration and the settings of `acceptor`.
    pub fn into_stream_by(mut self, acceptor: &TlsAcceptor) -> Accept<IO> {
        self.input.put_back(&self.hello.bytes);
        acceptor.begin(self.io, self.input, |_| ())
    }
}

impl<IO: fmt::Debug> fmt::Debug for LazyConfigAcceptor<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyConfigAcceptor")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}

impl<IO: fmt::Debug> fmt::Debug for StartHandshake<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartHandshake")
            .field("client_hello", &self.hello.accepted.client_hello())
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
