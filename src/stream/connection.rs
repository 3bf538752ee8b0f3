//! The trait for generic code over the connection of a stream.

use crate::engine::Engine;

/// The rustls connection of a [`TlsStream`](super::TlsStream), of either side.
///
/// For code that is generic over clients and servers. This trait is sealed: the connections of rustls
/// implement it.
///
/// ```
/// use pollback::rustls::CommonState;
/// use pollback::stream::{Handshake, TlsConnection, TlsStream};
/// use std::io;
/// use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
///
/// /// Says hello, as a client or a server.
/// async fn greet<IO, C>(handshake: Handshake<IO, C>) -> io::Result<TlsStream<IO, C>>
/// where
///     IO: AsyncRead + AsyncWrite + Unpin,
///     C: TlsConnection<CommonState = CommonState>,
/// {
///     let mut stream = handshake.await?;
///     if stream.get_ref().1.common_state().alpn_protocol() == Some(b"greeting") {
///         stream.write_all(b"hello").await?;
///     }
///     Ok(stream)
/// }
/// ```
pub trait TlsConnection: Engine {
    /// The type of [`common_state`](Self::common_state), which differs between versions of rustls.
    type CommonState: ?Sized;

    /// Returns the state common to both sides: version, cipher suite, ALPN protocol, the peer's
    /// certificates.
    fn common_state(&self) -> &Self::CommonState;
}
