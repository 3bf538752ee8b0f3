//! What is done with a transport until it can be served.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Facts, SharedConfig, Stage};
use crate::hello::{self, Hello};
use crate::server::TlsStream;

/// Makes of each transport what is to be served.
///
/// A [`SharedConfig`] makes TLS streams under the configuration of the moment. [`by_hello`] decides
/// for each ClientHello.
pub trait Handshaker<IO>: Clone + Send + 'static {
    /// What is to be served: a TLS stream, or a transport that is passed on.
    type Stream: Send + 'static;

    /// What has become known on the way.
    type Facts: Send + 'static;

    /// Does everything that has to be done before `io` can be served, and notes in `stage` how far
    /// it has come. It is dropped when the deadline has passed.
    fn handshake(
        self,
        io: IO,
        stage: &mut Stage,
    ) -> impl Future<Output = io::Result<(Self::Stream, Self::Facts)>> + Send;
}

impl<IO> Handshaker<IO> for SharedConfig
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsStream<IO>;
    type Facts = Facts;

    async fn handshake(self, io: IO, stage: &mut Stage) -> io::Result<(TlsStream<IO>, Facts)> {
        // Until the hello is there, a connection costs almost no memory: most of those that stall
        // never send one.
        *stage = Stage::Hello;
        let hello = hello::peek(io).await?;
        *stage = Stage::Handshake;
        self.accept(hello).await
    }
}

impl SharedConfig {
    /// Accepts a connection under the configuration of the moment.
    pub(super) async fn accept<IO>(&self, hello: Hello<IO>) -> io::Result<(TlsStream<IO>, Facts)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = hello.accept(self.load()).with_options(self.options());
        let stream = handshake.await?;
        let facts = Facts::of(&stream);
        Ok((stream, facts))
    }
}

/// Lets `choose` make of each ClientHello what is to be served. It may take its time: other
/// handshakes do not wait for it, and the deadline covers it.
///
/// ```
/// use pollback::hello::Hello;
/// use pollback::listener::{Facts, by_hello};
/// use pollback::rustls::ServerConfig;
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// # async fn fetch(name: Option<&str>) -> std::io::Result<Arc<ServerConfig>> { std::future::pending().await }
/// # fn listen() -> impl pollback::listener::Handshaker<TcpStream> {
/// by_hello(|hello: Hello<TcpStream>| async move {
///     let config = fetch(hello.client_hello().server_name()).await?;
///     let stream = hello.accept(config).await?;
///     let facts = Facts::of(&stream);
///     Ok((stream, facts))
/// })
/// # }
/// ```
pub fn by_hello<F>(choose: F) -> ByHello<F> {
    ByHello(Arc::new(choose))
}

/// Decides for each ClientHello. Made by [`by_hello`].
pub struct ByHello<F>(Arc<F>);

impl<IO, F, O, S, T> Handshaker<IO> for ByHello<F>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Hello<IO>) -> O + Send + Sync + 'static,
    O: Future<Output = io::Result<(S, T)>> + Send,
    S: Send + 'static,
    T: Send + 'static,
{
    type Stream = S;
    type Facts = T;

    async fn handshake(self, io: IO, stage: &mut Stage) -> io::Result<(S, T)> {
        *stage = Stage::Hello;
        let hello = hello::peek(io).await?;
        *stage = Stage::Handshake;
        (self.0)(hello).await
    }
}

impl<F> Clone for ByHello<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> fmt::Debug for ByHello<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByHello").finish_non_exhaustive()
    }
}
