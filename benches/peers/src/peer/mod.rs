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

/// Two halves, for one task each.
pub type Halves = (
    Box<dyn AsyncRead + Send + Unpin>,
    Box<dyn AsyncWrite + Send + Unpin>,
);

/// Splits a transport.
pub type Splitter<T> = fn(T) -> Halves;

/// Splits a stream with `tokio::io::split`.
pub fn split_by_lock<S: Stream>(stream: S) -> Halves {
    let (reader, writer) = tokio::io::split(stream);
    (Box::new(reader), Box::new(writer))
}

/// Any stream that tokio can poll and a task can own.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// A crate that creates streams over transports.
///
/// All that encrypt use the same parameters: TLS 1.3, X25519, `TLS_AES_256_GCM_SHA384`, the same
/// certificate (ECDSA, P-256), and no resumption.
pub trait Peer: Clone + Send + Sync + 'static {
    /// Whether it makes TLS records.
    const MAKES_RECORDS: bool = true;
    /// Whether its allocations are counted.
    const ALLOCATES_IN_RUST: bool = true;

    /// The stream of a client.
    type Client<T: Stream>: Stream;
    /// The stream of a server.
    type Server<T: Stream>: Stream;

    /// Creates the stream of a client.
    fn connect<T: Stream>(
        &self,
        transport: T,
    ) -> impl Future<Output = io::Result<Self::Client<T>>> + Send;

    /// Creates the stream of a server.
    fn accept<T: Stream>(
        &self,
        transport: T,
    ) -> impl Future<Output = io::Result<Self::Server<T>>> + Send;

    /// Splits the stream of a client; if it has halves of its own, splits the transport with
    /// `split`.
    fn split_client<T: Stream>(stream: Self::Client<T>, split: Splitter<T>) -> io::Result<Halves> {
        let _ = split;
        Ok(split_by_lock(stream))
    }

    /// Splits the stream of a server in the same way.
    fn split_server<T: Stream>(stream: Self::Server<T>, split: Splitter<T>) -> io::Result<Halves> {
        let _ = split;
        Ok(split_by_lock(stream))
    }
}
