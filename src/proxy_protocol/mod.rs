//! The PROXY protocol, with which a proxy tells a server the address of the client (feature
//! `proxy-protocol`).
//!
//! A proxy or load balancer sends a header before the bytes of the client. This module reads and writes
//! versions 1 and 2 of the [specification], including the headers of connections that the proxy makes
//! for itself, such as health checks.
//!
//! A [`TlsListener`](crate::listener::TlsListener) reads the headers of trusted peers. Use
//! [`read_header`] without a listener, and [`ProxyHeader::parse`] for bytes alone.
//!
//! [specification]: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt

mod checksum;
mod encode;
mod error;
mod header;
mod parse;
mod read;

pub use error::HeaderError;
pub use header::{ProxiedAddress, ProxyHeader, Ssl, Tlvs, Transport, UnixAddress};
pub(crate) use read::Reading;
pub use read::read_header;
