//! TLS streams on a pre-release of rustls 0.24: connectors, acceptors, streams and owned halves (feature
//! `next`).
//!
//! rustls 0.24 leaves its buffers to the caller. A stream of this module decrypts records where they
//! were read and allocates nothing for a record; an idle one holds about half the memory; and it can
//! be split into halves that two threads drive at the same time. It is the same stream as that of the
//! rest of this crate, with the same guarantees, on another connection.
//!
//! **No stability is guaranteed.** The feature `next` pins rustls 0.24.0-dev.2; a minor version of
//! this crate may pin another one and change whatever that changes.
//!
//! # A trial
//!
//! With the feature `next`, in ten lines:
//!
//! ```no_run
//! use pollback::next::rustls::{ClientConfig, RootCertStore};
//! use pollback::next::{TlsConnector, aws_lc_rs};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # async fn trial(roots: RootCertStore) -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClientConfig::builder(aws_lc_rs::DEFAULT_PROVIDER.into())
//!     .with_root_certificates(roots)
//!     .with_no_client_auth()?;
//! let tcp = tokio::net::TcpStream::connect("example.com:443").await?;
//! let connector = TlsConnector::from(std::sync::Arc::new(config));
//! let stream = connector.connect("example.com".try_into()?, tcp).await?;
//! let (mut reader, mut writer) = stream.into_split().expect("no early data");
//! writer.write_all(b"GET / HTTP/1.0\r\nHost: example.com\r\n\r\n").await?;
//! let mut response = Vec::new();
//! reader.read_to_end(&mut response).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What differs
//!
//! | | on rustls 0.23 | here |
//! |---|---|---|
//! | stream of either side | `pollback::TlsStream<IO>`, an enum | [`TlsStream<IO, S>`](TlsStream), a type with the side as a parameter |
//! | the connection of a stream | `rustls::ClientConnection`, `ServerConnection` | [`Connection<S>`](Connection), which has the version, the ALPN protocol, the identity of the peer, [`side`](Connection::side) and one-time exporters: [`exporter`](Connection::exporter), [`early_exporter`](Connection::early_exporter) |
//! | to change the connection first | `connect_with`, `accept_with` | [`accept_with`](TlsAcceptor::accept_with) alone: rustls 0.24 has nothing for clients to change |
//! | other protocols for a connection | `connector.with_alpn(names).connect(…)` | the same, where `with_alpn` returns a connector |
//! | hello first, then configuration | `LazyConfigAcceptor::new(Acceptor::default(), io)` | [`LazyConfigAcceptor::new(io)`](LazyConfigAcceptor::new); [`into_stream_by`](StartHandshake::into_stream_by) takes an acceptor |
//! | verifying certificates | by the configuration, at once | so, or by a future: `with_verifier` of [connectors](TlsConnector::with_verifier) and [acceptors](TlsAcceptor::with_verifier) |
//! | early data in a server | `connection.early_data()`, or what the stream reads first | what the stream reads first; rejected in an acceptor with a verifier |
//! | the connection taken out of a stream | goes on with plain rustls | goes on as a stream again, `TlsStream::from((io, connection))`, or by [`take_plaintext`](Connection::take_plaintext) and [`take_ciphertext`](Connection::take_ciphertext) |
//! | halves | those of [`tokio::io::split`] | these too, or owned ones: [`into_split_with`](crate::stream::TlsStream::into_split_with), `into_split`, which make no attempts (`try_read`) |
//! | a full record holds | 16,384 bytes | 16,367 bytes, or 16,344 with TLS 1.2: see below |
//! | messages in a row after the handshake | any number | 32, then the connection fails (tickets, key updates) |
//!
//! All else is the same, since it is the same code: attempts, [`Options`], timeouts, the end of TLS
//! with the transport kept, [`Parts`](crate::stream::Parts), early data that is answered before the
//! end of the handshake ([`TlsAcceptor::early_data`]), and
//! [`TlsConnection`] for generic code; [`Side`] is for generic code that uses what is here alone.
//!
//! # Records
//!
//! TLS lets a record hold 16 KiB of plaintext, and 0.24.0-dev.2 takes from that what encryption adds,
//! whatever `max_fragment_size` says. So a lone write of 16 KiB takes two records, the second of 17
//! bytes, and 64 KiB take five. Both go to the transport in one write; the second one costs 22 bytes on
//! the wire, and the work for one more record at each end. A program that writes 16,367 bytes at a time makes one record of each write; batched writes
//! ([`Options::with_batched_writes`]) fill records whatever the size of writes is.
//!
//! # Configurations
//!
//! What rustls 0.24 changes in configurations: the provider is always named, as in the trial, and it
//! says which versions there are; `with_no_client_auth` of a client can fail; a chain of certificates is
//! an [`Identity`](rustls::crypto::Identity) in an `Arc`; ALPN protocols are
//! [`ApplicationProtocol`](rustls::enums::ApplicationProtocol)s; how many tickets are sent is a
//! [`Tls13Tickets`](rustls::server::Tls13Tickets). The types of certificates and names are those of
//! 0.23. [`Error::find`](crate::Error::find) works as with rustls 0.23.
//!
//! # What is not here yet
//!
//! - The listener, `hello`, the C side and kernel TLS, which know rustls 0.23 alone.
//! - *ring*: the connectors take any provider of rustls 0.24, but only aws-lc is brought along and
//!   tested.

// - `client.rs`, `server.rs`: connectors and acceptors
// - `split.rs`: owned halves

pub mod client;
pub mod server;
mod split;

use rustls_next::{ClientSide, ConnectionOutputs, ServerSide};

use crate::engine::Engine as _;
use crate::engine::next_sides::Sided;
use crate::stream::TlsConnection;

pub use crate::engine::next::Connection;
pub use crate::options::{Options, RecordSizing};
pub use client::{Connect, FallibleConnect, TlsConnector};
pub use rustls_next as rustls;
pub use rustls_next_aws_lc_rs as aws_lc_rs;
pub use server::{Accept, FallibleAccept, LazyConfigAcceptor, StartHandshake, TlsAcceptor};
pub use split::{ReadHalf, WriteHalf};

/// A TLS stream over the transport `IO`, of the side `S`: a [`ClientSide`] or a [`ServerSide`].
pub type TlsStream<IO, S> = crate::stream::TlsStream<IO, Connection<S>>;

/// The side of a connection: [`ClientSide`] or [`ServerSide`].
///
/// For code that is generic over both and uses more of rustls 0.24 than [`TlsConnection`] has: halves,
/// exporters, new keys. This trait is sealed. What is generic and moves streams to other threads says
/// so with `Connection<S>: Send`.
///
/// ```
/// use pollback::next::rustls::{Error, KeyingMaterialExporter};
/// use pollback::next::{Side, TlsStream};
///
/// /// Keys for another protocol, as a client or a server.
/// fn keys<IO, S: Side>(stream: &mut TlsStream<IO, S>) -> Result<[u8; 32], Error> {
///     let exporter: KeyingMaterialExporter = stream.get_mut().1.exporter()?;
///     exporter.derive(b"EXPERIMENTAL another protocol", None, [0; 32])
/// }
/// ```
pub trait Side: Sided {}

impl Side for ClientSide {}

impl Side for ServerSide {}

impl<S: Sided> TlsConnection for Connection<S> {
    type CommonState = ConnectionOutputs;

    fn common_state(&self) -> &ConnectionOutputs {
        self
    }
}

impl<IO, S: Sided> From<(IO, Connection<S>)> for TlsStream<IO, S> {
    /// Continues a connection that was taken out of a stream with
    /// [`into_inner`](crate::stream::TlsStream::into_inner).
    fn from((io, mut connection): (IO, Connection<S>)) -> Self {
        let input = connection.take_stowed().unwrap_or_default();
        Self::adopt(io, connection, input)
    }
}
