//! Reads the ClientHello of a client, and stores how far that has got.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{HandshakeResult, Handshaker, Stage};
use crate::hello::{self, Incoming, Peek, PeekOrPlain, Peeked, Rewind};

/// Reads the ClientHello. Until it is there, a connection costs little memory: most of those that
/// stall never send one. An error comes with the transport.
pub(super) fn hello<IO>(
    io: IO,
    stage: &mut Stage,
) -> impl Future<Output = Result<Incoming<IO>, (io::Error, Option<IO>)>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    note(hello::peek(io), Peek::bytes, Peek::take_io, stage)
}

/// Awaits a look, whose `bytes` are those that have come.
fn note<L, T, IO>(
    mut look: L,
    bytes: fn(&L) -> &[u8],
    take_io: fn(&mut L) -> Option<Rewind<IO>>,
    stage: &mut Stage,
) -> impl Future<Output = Result<T, (io::Error, Option<IO>)>>
where
    L: Future<Output = io::Result<T>> + Unpin,
{
    *stage = Stage::FirstByte;
    poll_fn(move |cx| {
        let looked = Pin::new(&mut look).poll(cx);
        if !bytes(&look).is_empty() {
            *stage = Stage::Hello;
        }
        Poll::Ready(match ready!(looked) {
            Ok(looked) => {
                *stage = Stage::Handshake;
                Ok(looked)
            }
            Err(error) => Err((error, take_io(&mut look).map(|io| io.into_parts().1))),
        })
    })
}

/// Calls `choose` with each client, whether it speaks TLS or not. It may take its time, as with
/// [`handshake_fn`](super::handshake_fn).
///
/// ```
/// use pollback::hello::Peeked;
/// use pollback::listener::tls_or_plain;
/// use pollback::rustls::ServerConfig;
/// use std::sync::Arc;
/// use tokio::io::{AsyncRead, AsyncWrite};
/// use tokio::net::TcpStream;
///
/// trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}
/// impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}
///
/// # fn listen(config: Arc<ServerConfig>) -> impl pollback::listener::Handshaker<TcpStream> {
/// tls_or_plain(move |peeked: Peeked<TcpStream>| {
///     let config = config.clone();
///     async move {
///         Ok(match peeked {
///             Peeked::Tls(incoming) => {
///                 let stream = incoming.accept(config).await?;
///                 (Box::new(stream) as Box<dyn Transport>, "encrypted")
///             }
///             Peeked::Plain(plain) => (Box::new(plain) as _, "plaintext"),
///         })
///     }
/// })
/// # }
/// ```
pub fn tls_or_plain<F>(choose: F) -> TlsOrPlain<F> {
    TlsOrPlain(Arc::new(choose))
}

/// Decides for each client, with TLS or without. Returned by [`tls_or_plain`].
pub struct TlsOrPlain<F>(Arc<F>);

impl<IO, F, O, S, T> Handshaker<IO> for TlsOrPlain<F>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Peeked<IO>) -> O + Send + Sync + 'static,
    O: Future<Output = io::Result<(S, T)>> + Send,
    S: Send + 'static,
    T: Send + 'static,
{
    type Stream = S;
    type Facts = T;

    async fn handshake(self, io: IO, stage: &mut Stage) -> io::Result<(S, T)> {
        let handshake = self.handshake_fallible(io, stage);
        handshake.await.map_err(|(error, _)| error)
    }

    async fn handshake_fallible(self, io: IO, stage: &mut Stage) -> HandshakeResult<S, T, IO> {
        let look = hello::peek(io).or_plain();
        let peeked = note(look, PeekOrPlain::bytes, PeekOrPlain::take_io, stage).await?;
        let handshake = Box::pin((self.0)(peeked));
        handshake.await.map_err(|error| (error, None))
    }
}

impl<F> Clone for TlsOrPlain<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F> fmt::Debug for TlsOrPlain<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOrPlain").finish_non_exhaustive()
    }
}
