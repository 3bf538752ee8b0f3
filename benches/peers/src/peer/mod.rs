//! The crates that do the work: one trait over their connectors and acceptors.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

mod on_next;
mod on_openssl;
mod on_rustls;
mod plain;
mod unbuffered;

pub use on_next::PollbackNext;
pub use on_openssl::TokioOpenssl;
pub use on_rustls::{Pollback, TokioRustls, UnbufferedRustls};
pub use plain::Tcp;

/// Anything that tokio can poll and that a task can own.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// A crate that makes streams on transports.
///
/// All that encrypt do it in the same way: TLS 1.3, X25519, `TLS_AES_256_GCM_SHA384`, the same
/// certificate (ECDSA, P-256), and no handshake is shortened by a ticket of an earlier one.
pub trait Peer: Clone + Send + Sync + 'static {
    /// Whether it makes TLS records.
    const MAKES_RECORDS: bool = true;
    /// Whether the allocator sees what it allocates.
    const ALLOCATES_IN_RUST: bool = true;

    /// The stream of a client.
    type Client<T: Stream>: Stream;
    /// The stream of a server.
    type Server<T: Stream>: Stream;

    /// Makes the stream of a client.
    fn connect<T: Stream>(
        &self,
        transport: T,
    ) -> impl Future<Output = io::Result<Self::Client<T>>> + Send;

    /// Makes the stream of a server.
    fn accept<T: Stream>(
        &self,
        transport: T,
    ) -> impl Future<Output = io::Result<Self::Server<T>>> + Send;
}
