//! The server's side: acceptors, and the stream that they make.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls_next::server::ClientHello;
use rustls_next::{ServerConfig, ServerSide, Tcp};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::next::Connection;
use crate::engine::next_hello::{AcceptedHello, HelloAcceptor};
use crate::engine::{Alert, Engine as _, InputBuffer};
use crate::error::ErrorKind;
use crate::options::Options;
use crate::stream::{self, FallibleHandshake, Handshake, ReadClientHello};

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
            let connection = Connection::new(connection, &[]);
            Accept::new(TlsStream::new(io, connection, input))
        }
        Err(error) => Accept::refused(io, Alert::internal_error(), io::Error::other(error)),
    }
}

/// Reads a ClientHello from the transport `IO`, so that the configuration can be chosen by it.
///
/// Resolves to a [`StartHandshake`].
///
/// # Errors
///
/// As [`Handshake`]. A ClientHello that is refused is answered with an alert first. Polled after it
/// has resolved to a `StartHandshake` or after [`take_io`](Self::take_io) it fails again.
///
/// # Cancel safety
///
/// A poll that is dropped loses nothing: await it by reference (`(&mut acceptor).await`) and it can
/// go on later, or give the transport back with [`take_io`](Self::take_io).
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
pub struct LazyConfigAcceptor<IO> {
    read_client_hello: ReadClientHello<HelloAcceptor>,
    io: Option<IO>,
}

impl<IO> LazyConfigAcceptor<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Reads a ClientHello from `io`.
    pub fn new(io: IO) -> Self {
        Self {
            read_client_hello: ReadClientHello::new(HelloAcceptor::new()),
            io: Some(io),
        }
    }

    /// Takes the transport back: after a failure, or to give up waiting.
    ///
    /// `None` if it was taken before, or went into the [`StartHandshake`]. Bytes of the ClientHello
    /// that were read are not given back.
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
        let Some(io) = &mut this.io else {
            return Poll::Ready(Err(this.read_client_hello.reason()));
        };
        let Some(hello) = ready!(this.read_client_hello.poll_accepted(io, cx)) else {
            return this.read_client_hello.poll_refused(io, cx).map(Err);
        };
        let start = this.io.take().map(|io| StartHandshake {
            hello,
            io,
            input: this.read_client_hello.take_input(),
        });
        Poll::Ready(start.ok_or_else(|| this.read_client_hello.reason()))
    }
}

/// A ClientHello and the transport that it came from; the handshake goes on from here.
pub struct StartHandshake<IO> {
    hello: AcceptedHello,
    io: IO,
    /// What was read behind the ClientHello.
    input: InputBuffer,
}

impl<IO> StartHandshake<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// What the client asks for.
    pub fn client_hello(&self) -> ClientHello<'_> {
        self.hello.accepted.client_hello()
    }

    /// The transport.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Goes on with the handshake under `config`. If that refuses the client, the client gets an
    /// alert.
    pub fn into_stream(mut self, config: Arc<ServerConfig>) -> Accept<IO> {
        self.input.put_back(&self.hello.bytes);
        accept(config, self.io, self.input)
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

impl<IO> From<(IO, Connection<ServerSide>)> for TlsStream<IO> {
    /// Continues a connection that was taken out of a stream with
    /// [`into_inner`](stream::TlsStream::into_inner).
    fn from((io, mut connection): (IO, Connection<ServerSide>)) -> Self {
        let input = connection.take_stowed().unwrap_or_default();
        Self::adopt(io, connection, input)
    }
}
