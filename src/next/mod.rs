//! TLS streams on a pre-release of rustls 0.24: connectors, acceptors, streams and owned halves (feature
//! `next`).
//!
//! rustls 0.24 leaves its buffers to the caller. A stream of this module decrypts records in place
//! and allocates nothing for a record, an idle one uses about half the memory, and it can be split
//! into halves that two threads drive at the same time. Otherwise it is the same stream type as in
//! the rest of this crate, with the same guarantees.
//!
//! **No stability is guaranteed.** The feature `next` pins rustls 0.24.0-dev.2; a minor version of
//! this crate may pin another one and adopt its changes.
//!
//! # Example
//!
//! With the feature `next`:
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
//! # Differences
//!
//! | | with rustls 0.23 | in this module |
//! |---|---|---|
//! | stream of either side | `pollback::TlsStream<IO>`, an enum | [`TlsStream<IO, S>`](TlsStream), a type with the side as a parameter |
//! | the connection of a stream | `rustls::ClientConnection`, `ServerConnection` | [`Connection<S>`](Connection), which has the version, the ALPN protocol, the identity of the peer, [`side`](Connection::side) and one-time exporters: [`exporter`](Connection::exporter), [`early_exporter`](Connection::early_exporter) |
//! | changing the connection before the handshake | `connect_with`, `accept_with` | only [`accept_with`](TlsAcceptor::accept_with): in rustls 0.24 clients can change nothing |
//! | ALPN protocols for one connection | `connector.with_alpn(names).connect(…)` | the same, but `with_alpn` returns a `TlsConnector` |
//! | choosing a configuration by the ClientHello | `LazyConfigAcceptor::new(Acceptor::default(), io)` | [`LazyConfigAcceptor::new(io)`](LazyConfigAcceptor::new); [`into_stream_by`](StartHandshake::into_stream_by) takes an acceptor |
//! | verifying certificates | by the configuration, synchronously | the same, or asynchronously: `with_verifier` of [connectors](TlsConnector::with_verifier) and [acceptors](TlsAcceptor::with_verifier) |
//! | early data in a server | from `connection.early_data()`, or returned by the first reads | returned by the first reads; rejected by an acceptor with a verifier |
//! | a connection taken out of a stream | can be used with plain rustls | can become a stream again, `TlsStream::from((io, connection))`; its buffers are returned by [`take_plaintext`](Connection::take_plaintext) and [`take_ciphertext`](Connection::take_ciphertext) |
//! | halves | those of [`tokio::io::split`] | the same, or owned ones without `try_read` and `try_write`: [`into_split_with`](crate::stream::TlsStream::into_split_with), `into_split` |
//! | plaintext in a full record | 16,384 bytes | 16,367 bytes, or 16,344 with TLS 1.2: see below |
//! | consecutive handshake messages after the handshake (tickets, key updates) | any number | at most 32, otherwise the connection fails |
//!
//! Everything else is the same, since it is the same code: attempts, [`Options`], timeouts, ending
//! TLS while keeping the transport, [`Parts`](crate::stream::Parts), responding to early data
//! before the end of the handshake ([`TlsAcceptor::early_data`]), and [`TlsConnection`] for generic
//! code. [`Side`] is for generic code that uses features of this module only.
//!
//! # Records
//!
//! TLS allows 16 KiB of plaintext in a record, but rustls 0.24.0-dev.2 subtracts the overhead of
//! encryption from that, whatever `max_fragment_size` is. So a single write of 16 KiB takes two
//! records, the second of which holds 17 bytes, and 64 KiB take five. They are passed to the
//! transport in one write; each additional record costs 22 bytes on the wire, and the work for one
//! more record at both ends. If a program writes 16,367 bytes at a time, each write is one record;
//! batched writes ([`Options::with_batched_writes`]) fill records regardless of the size of writes.
//!
//! # Configurations
//!
//! rustls 0.24 changes how configurations are built: the provider is always given explicitly, as in
//! the example above, and determines the TLS versions; `with_no_client_auth` of a client can fail;
//! a certificate chain is an [`Identity`](rustls::crypto::Identity) in an `Arc`; ALPN protocols are
//! [`ApplicationProtocol`](rustls::enums::ApplicationProtocol)s; the number of tickets to send is a
//! [`Tls13Tickets`](rustls::server::Tls13Tickets). The types of certificates and names are those of
//! 0.23. [`Error::find`](crate::Error::find) works as with rustls 0.23.
//!
//! # Not supported yet
//!
//! - The listener, `hello`, the C side and kernel TLS, which support only rustls 0.23.
//! - *ring*: connectors accept any provider of rustls 0.24, but only aws-lc is re-exported and
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
/// For code that is generic over both and uses more of rustls 0.24 than [`TlsConnection`] offers:
/// halves, exporters, key updates. This trait is sealed. Generic code that moves streams to other
/// threads needs the bound `Connection<S>: Send`.
///
/// ```
/// use pollback::next::rustls::{Error, KeyingMaterialExporter};
/// use pollback::next::{Side, TlsStream};
///
/// /// Derives keys for another protocol, as a client or a server.
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
