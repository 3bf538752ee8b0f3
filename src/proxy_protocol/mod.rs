//! The PROXY protocol: who the client is that a proxy speaks for (feature `proxy-protocol`).
//!
//! A proxy or load balancer that relays a connection sends a header before the bytes of the client.
//! Versions 1 and 2 are read and written, as the [specification] has them; so are the headers with
//! which a proxy speaks for itself, to check whether a server is there.
//!
//! A [`TlsListener`](crate::listener::TlsListener) reads the header of the peers that it trusts. Use
//! [`read_header`] where there is no listener, and [`ProxyHeader::parse`] for bytes alone.
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
