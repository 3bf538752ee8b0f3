//! Reads the ClientHello of a client, and records the progress.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
#[cfg(feature = "proxy-protocol")]
use std::sync::Arc;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::choice::Choice;
use super::{HandshakeResult, Handshaker, Stage};
use crate::hello::{self, Incoming, Peek, PeekOrPlain, Peeked, Rewind};
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyHeader;
use crate::stream::Leftover;

/// Reads the ClientHello. Until it is complete, a connection costs little memory: most stalled
/// clients never send one. An error is returned with the transport.
pub(super) fn hello<IO>(
    io: IO,
    stage: &mut Stage,
) -> impl Future<Output = Result<Incoming<IO>, (io::Error, Option<IO>)>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    note(hello::peek(io), Peek::bytes, Peek::take_io, stage)
}

/// Awaits `look`, whose `bytes` are those received so far.
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

/// Returns a [`Handshaker`] that calls `choose` with each client, whether it speaks TLS or not.
/// `choose` may wait, as with [`handshake_fn`](super::handshake_fn).
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
    TlsOrPlain(Choice::new(choose))
}

/// A [`Handshaker`] that calls a function for each client, with TLS or without. Returned by
/// [`tls_or_plain`].
pub struct TlsOrPlain<F>(Choice<F>);

impl<IO, F, O, S, T> Handshaker<IO> for TlsOrPlain<F>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Peeked<IO>) -> O + Send + Sync + 'static,
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
        let look = hello::peek(io).or_plain();
        let peeked = note(look, PeekOrPlain::bytes, PeekOrPlain::take_io, stage).await?;
        let leftover = Leftover::default();
        let peeked = match peeked {
            Peeked::Tls(incoming) => Peeked::Tls(self.0.prepare(incoming, &leftover)),
            plain @ Peeked::Plain(_) => plain,
        };
        self.0.call(peeked, leftover).await
    }
}

impl<F> Clone for TlsOrPlain<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F> fmt::Debug for TlsOrPlain<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOrPlain").finish_non_exhaustive()
    }
}
