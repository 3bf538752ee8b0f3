//! Servers: acceptors, and the streams that they return.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::server::{Accepted, Acceptor, ClientHello};
use rustls::{CommonState, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::{Alert, Feed, InputBuffer};
use crate::error::ErrorKind;
use crate::options::Options;
use crate::stream::{
    self, FallibleHandshake, Handshake, HandshakeSettings, ReadClientHello, TlsConnection,
};

/// The TLS stream of a server.
pub type TlsStream<IO> = stream::TlsStream<IO, ServerConnection>;

/// The handshake of a server.
pub type Accept<IO> = Handshake<IO, ServerConnection>;

/// The handshake of a server that returns the transport on failure.
pub type FallibleAccept<IO> = FallibleHandshake<IO, ServerConnection>;

#[cfg(feature = "early-data")]
impl<IO> Accept<IO> {
    /// Makes the handshake resolve as soon as early data (0-RTT) is accepted, one round trip before
    /// the handshake is complete.
    ///
    /// Early data is accepted if [`ServerConfig::max_early_data_size`] allows it and the client
    /// resumes a session. Reads return early data first in any case: without this setting once the
    /// handshake is complete, with it as the data arrives.
    ///
    /// With [`ServerConfig::send_half_rtt_data`], writes are sent at once too (0.5-RTT); otherwise
    /// they complete the handshake first. Until it is complete, early data can be a replay:
    /// [`early_data_read`](stream::TlsStream::early_data_read) returns how many bytes came early, and
    /// [`finish_handshake`](stream::TlsStream::finish_handshake) completes the handshake. So does a
    /// shutdown, once everything written has been sent.
    ///
    /// ```no_run
    /// use pollback::TlsAcceptor;
    /// use pollback::rustls::ServerConfig;
    /// use std::sync::Arc;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// use tokio::net::TcpStream;
    ///
    /// # async fn serve(mut config: ServerConfig, tcp: TcpStream) -> std::io::Result<()> {
    /// config.max_early_data_size = 16 * 1024;
    /// config.send_half_rtt_data = true;
    /// let acceptor = TlsAcceptor::from(Arc::new(config)).early_data(true);
    ///
    /// let mut stream = acceptor.accept(tcp).await?;
    /// let mut request = [0; 8];
    /// stream.read_exact(&mut request).await?;
    /// // Serving this request twice does no harm.
    /// stream.write_all(b"a response").await?;
    /// stream.close().await
    /// # }
    /// ```
    pub fn early_data(self, enabled: bool) -> Self {
        self.resolve_early(enabled)
    }
}

/// Accepts TLS clients over any transport.
///
/// It holds a [`ServerConfig`] and can be cloned at low cost. `TlsListener` (feature `listener`) adds
/// the accept loop, with deadlines, limits, certificate reload and graceful shutdown.
///
/// ```no_run
/// use pollback::TlsAcceptor;
/// use pollback::rustls::ServerConfig;
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
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    settings: HandshakeSettings,
}

/// Omits the configuration, which can hold keys.
impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self {
            config,
            settings: HandshakeSettings::default(),
        }
    }
}

impl TlsAcceptor {
    /// Makes handshakes resolve as soon as early data (0-RTT) is accepted, so that the server can
    /// respond at once: see [`Accept::early_data`](Accept#method.early_data).
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
    /// By default there is no timeout.
    #[must_use]
    pub fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
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

    /// Like [`accept`](Self::accept), but calls `f` with the connection before the handshake.
    pub fn accept_with<IO, F>(&self, stream: IO, f: F) -> Accept<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
        F: FnOnce(&mut ServerConnection),
    {
        if let Err(kind) = ErrorKind::check_alpn(&self.config.alpn_protocols) {
            return Accept::refused(stream, Alert::internal_error(), kind.into());
        }
        match ServerConnection::new(Arc::clone(&self.config)) {
            Ok(mut connection) => {
                f(&mut connection);
                let stream = TlsStream::new(stream, connection, InputBuffer::default())
                    .with_half_rtt(self.config.send_half_rtt_data);
                self.settings.accept(stream)
            }
            Err(error) => Accept::refused(stream, Alert::internal_error(), io::Error::other(error)),
        }
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
/// use pollback::LazyConfigAcceptor;
/// use pollback::rustls::ServerConfig;
/// use pollback::rustls::server::Acceptor;
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// # async fn route(tcp: TcpStream, one: Arc<ServerConfig>, other: Arc<ServerConfig>)
/// #     -> std::io::Result<()> {
/// let start = LazyConfigAcceptor::new(Acceptor::default(), tcp).await?;
/// let config = match start.client_hello().server_name() {
///     Some("one.example") => one,
///     _ => other,
/// };
/// let stream = start.into_stream(config).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct LazyConfigAcceptor<IO> {
    read_client_hello: ReadClientHello<Acceptor>,
    io: Option<IO>,
}

impl<IO> LazyConfigAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Creates a future that reads a ClientHello from `io` into `acceptor`.
    pub fn new(acceptor: Acceptor, io: IO) -> Self {
        Self {
            read_client_hello: ReadClientHello::new(acceptor),
            io: Some(io),
        }
    }

    /// Returns the transport, after a failure or to stop waiting.
    ///
    /// Returns `None` if it was taken before or has become part of the [`StartHandshake`]. Bytes of
    /// the ClientHello that were read are lost; [`hello::peek`](crate::hello::peek) keeps them.
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
        start.map_ok(|(accepted, io, input)| StartHandshake {
            accepted,
            io,
            input,
        })
    }
}

/// A ClientHello and the transport that it came from, with which the handshake continues.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartHandshake<IO> {
    /// The ClientHello, as rustls has accepted it.
    pub accepted: Accepted,
    /// The transport.
    pub io: IO,
    /// What was read after the ClientHello.
    input: InputBuffer,
}

impl<IO> StartHandshake<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Continues from a ClientHello that was read from `transport` by other code.
    pub fn from_parts(accepted: Accepted, transport: IO) -> Self {
        Self {
            accepted,
            io: transport,
            input: InputBuffer::unframed(),
        }
    }

    /// Returns the ClientHello.
    pub fn client_hello(&self) -> ClientHello<'_> {
        self.accepted.client_hello()
    }

    /// Continues the handshake with `config`. If the configuration does not suit the client, an
    /// alert is sent.
    pub fn into_stream(self, config: Arc<ServerConfig>) -> Accept<IO> {
        self.into_stream_with(config, |_| ())
    }

    /// Like [`into_stream`](Self::into_stream), but calls `f` with the connection first.
    pub fn into_stream_with<F>(self, config: Arc<ServerConfig>, f: F) -> Accept<IO>
    where
        F: FnOnce(&mut ServerConnection),
    {
        if let Err(kind) = ErrorKind::check_alpn(&config.alpn_protocols) {
            return Accept::refused(self.io, Alert::internal_error(), kind.into());
        }
        let half_rtt = config.send_half_rtt_data;
        match self.accepted.into_connection(config) {
            Ok(mut connection) => {
                f(&mut connection);
                // The connection already has the bytes that arrived with the ClientHello.
                let processed = connection.process();
                let stream = TlsStream::new(self.io, connection, self.input);
                Accept::new(stream.with_half_rtt(half_rtt).failed_by(processed.err()))
            }
            Err((error, alert)) => {
                let alert = Alert::new(&error, alert);
                let error = io::Error::new(io::ErrorKind::InvalidData, error);
                Accept::refused(self.io, alert, error)
            }
        }
    }
}

impl<IO: fmt::Debug> fmt::Debug for LazyConfigAcceptor<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyConfigAcceptor")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}

impl TlsConnection for ServerConnection {
    type CommonState = CommonState;

    fn common_state(&self) -> &CommonState {
        self
    }
}

impl<IO> From<(IO, ServerConnection)> for TlsStream<IO> {
    /// Creates a stream from a connection that other code has driven over the transport so far.
    ///
    /// Nothing may have been written after a close_notify, which cannot be seen from the connection.
    fn from((io, connection): (IO, ServerConnection)) -> Self {
        Self::adopt(io, connection, InputBuffer::unframed())
    }
}
