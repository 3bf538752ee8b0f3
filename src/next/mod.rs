//! TLS streams on rustls 0.24, which is not released yet.
//!
//! - `client.rs`, `server.rs`: connectors and acceptors
//! - `split.rs`: owned halves

pub mod client;
pub mod server;
mod split;

pub use crate::engine::next::Connection;
pub use crate::options::{Options, RecordSizing};
pub use client::{Connect, FallibleConnect, TlsConnector};
pub use rustls_next as rustls;
pub use rustls_next_aws_lc_rs as aws_lc_rs;
pub use server::{Accept, FallibleAccept, LazyConfigAcceptor, StartHandshake, TlsAcceptor};
pub use split::{ReadHalf, WriteHalf};

/// A TLS stream over the transport `IO`, of the side `S`: a
/// [`ClientSide`](rustls::ClientSide) or a [`ServerSide`](rustls::ServerSide).
pub type TlsStream<IO, S> = crate::stream::TlsStream<IO, Connection<S>>;
