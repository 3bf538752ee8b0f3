//! Performs the handshake of a transport.

use std::fmt;
use std::future::Future;
use std::io;
#[cfg(feature = "proxy-protocol")]
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::choice::Choice;
use super::{HandshakeData, SharedConfig, Stage, look};
use crate::hello::Incoming;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyHeader;
use crate::server::TlsStream;
use crate::stream::Leftover;

/// The result of a handshake that returns its transport with an error, if it still has it.
pub type HandshakeResult<S, F, IO> = Result<(S, F), (io::Error, Option<IO>)>;

/// Performs the handshake of each transport.
///
/// A [`SharedConfig`] does so with its current configuration, and [`handshake_fn`] calls a function
/// for each ClientHello. Other types can implement it:
///
/// ```
/// use pollback::TlsAcceptor;
/// use pollback::listener::{Handshaker, Stage};
/// use pollback::server::TlsStream;
/// use std::io;
/// use tokio::net::TcpStream;
///
/// /// Accepts with one acceptor, and counts.
/// #[derive(Clone)]
/// struct Counted(TlsAcceptor, &'static std::sync::atomic::AtomicUsize);
///
/// impl Handshaker<TcpStream> for Counted {
///     type Stream = TlsStream<TcpStream>;
///     type HandshakeData = ();
///
///     async fn handshake(
///         self,
///         io: TcpStream,
///         stage: &mut Stage,
///     ) -> io::Result<(TlsStream<TcpStream>, ())> {
///         *stage = Stage::Handshake;
///         let stream = self.0.accept(io).await?;
///         self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         Ok((stream, ()))
///     }
/// }
/// ```
pub trait Handshaker<IO>: Clone + Send + 'static {
    /// The result of a handshake: a TLS stream, or a transport that is passed on.
    type Stream: Send + 'static;

    /// Information from the handshake.
    type HandshakeData: Send + 'static;

    /// Performs everything that is necessary before `io` can be served, and stores the progress in
    /// `stage`.
    ///
    /// # Errors
    ///
    /// Whatever prevents the connection from being served; the listener reports it.
    ///
    /// # Cancel safety
    ///
    /// The listener drops the future, and with it the transport, when the deadline or the grace
    /// period has passed.
    fn handshake(
        self,
        io: IO,
        stage: &mut Stage,
    ) -> impl Future<Output = io::Result<(Self::Stream, Self::HandshakeData)>> + Send;

    /// Receives the client's PROXY header from a trusted proxy, before the handshake. Ignores it
    /// unless overridden.
    #[cfg(feature = "proxy-protocol")]
    #[must_use]
    fn with_proxy_header(self, header: Arc<ProxyHeader>) -> Self {
        let _ = header;
        self
    }

    /// Like [`handshake`](Self::handshake), but returns the transport with an error, if it still
    /// has it: the listener then reads what the client still sends, so that an alert is not lost to
    /// a reset. Returns no transport unless overridden.
    ///
    /// # Errors
    ///
    /// As for [`handshake`](Self::handshake).
    ///
    /// # Cancel safety
    ///
    /// As for [`handshake`](Self::handshake).
    fn handshake_fallible(
        self,
        io: IO,
        stage: &mut Stage,
    ) -> impl Future<Output = HandshakeResult<Self::Stream, Self::HandshakeData, IO>> + Send {
        let handshake = self.handshake(io, stage);
        async { handshake.await.map_err(|error| (error, None)) }
    }
}

impl<IO> Handshaker<IO> for SharedConfig
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsStream<IO>;
    type HandshakeData = HandshakeData;

    async fn handshake(
        self,
        io: IO,
        stage: &mut Stage,
    ) -> io::Result<(TlsStream<IO>, HandshakeData)> {
        let handshake = self.handshake_fallible(io, stage);
        handshake.await.map_err(|(error, _)| error)
    }

    async fn handshake_fallible(
        self,
        io: IO,
        stage: &mut Stage,
    ) -> HandshakeResult<TlsStream<IO>, HandshakeData, IO> {
        let incoming = look::hello(io, stage).await?;
        // Boxed, so that clients without a ClientHello do not cost this memory.
        Box::pin(self.accept(incoming)).await
    }
}

impl SharedConfig {
    /// Accepts a connection with the current configuration.
    pub(super) async fn accept<IO>(
        &self,
        incoming: Incoming<IO>,
    ) -> HandshakeResult<TlsStream<IO>, HandshakeData, IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = incoming
            .accept(self.load())
            .with_options(self.options())
            .resolve_early(self.resolves_early());
        let stream = handshake.into_fallible().await;
        let stream = stream.map_err(|(error, io)| (error, Some(io)))?;
        let handshake_data = HandshakeData::of(&stream);
        Ok((stream, handshake_data))
    }
}

/// Returns a [`Handshaker`] that calls `choose` with each connection whose ClientHello was read, to
/// perform its handshake or pass it on. `choose` may wait: other handshakes do not wait for it, and
/// the deadline covers it.
///
/// If it fails because [`Incoming::accept`] or [`Incoming::refuse_with`] has refused the client,
/// the listener keeps the transport and reads what the client still sends, so that the alert
/// arrives. `Incoming::proxy_header` returns the client's PROXY header from a trusted proxy.
///
/// ```
/// use pollback::hello::Incoming;
/// use pollback::listener::{HandshakeData, handshake_fn};
/// use pollback::rustls::ServerConfig;
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// # async fn fetch(name: Option<&str>) -> std::io::Result<Arc<ServerConfig>> { std::future::pending().await }
/// # fn listen() -> impl pollback::listener::Handshaker<TcpStream> {
/// handshake_fn(|incoming: Incoming<TcpStream>| async move {
///     let config = fetch(incoming.client_hello().server_name()).await?;
///     let stream = incoming.accept(config).await?;
///     let handshake_data = HandshakeData::of(&stream);
///     Ok((stream, handshake_data))
/// })
/// # }
/// ```
pub fn handshake_fn<F>(choose: F) -> HandshakeFn<F> {
    HandshakeFn(Choice::new(choose))
}

/// A [`Handshaker`] that calls a function for each ClientHello. Returned by [`handshake_fn`].
pub struct HandshakeFn<F>(Choice<F>);

impl<IO, F, O, S, T> Handshaker<IO> for HandshakeFn<F>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Incoming<IO>) -> O + Send + Sync + 'static,
    O: Future<Output = io::Result<(S, T)>> + Send,
    S: Send + 'static,
    T: Send + 'static,
{
    type Stream = S;
    type HandshakeData = T;

    #[cfg(feature = "proxy-protocol")]
    fn with_proxy_header(self, header: Arc<ProxyHeader>) -> Self {
        Self(self.0.with_proxy_header(header))
    }

    async fn handshake(self, io: IO, stage: &mut Stage) -> io::Result<(S, T)> {
        let handshake = self.handshake_fallible(io, stage);
        handshake.await.map_err(|(error, _)| error)
    }

    async fn handshake_fallible(self, io: IO, stage: &mut Stage) -> HandshakeResult<S, T, IO> {
        let incoming = look::hello(io, stage).await?;
        let leftover = Leftover::default();
        let incoming = self.0.prepare(incoming, &leftover);
        self.0.call(incoming, leftover).await
    }
}

impl<F> Clone for HandshakeFn<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> fmt::Debug for HandshakeFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeFn").finish_non_exhaustive()
    }
}
