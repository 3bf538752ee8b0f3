//! TLS streams for tokio: the joint between tokio's polled I/O and the callback-style I/O of
//! [rustls](https://docs.rs/rustls).
//!
//! ```text
//!   application          plaintext      AsyncRead + AsyncWrite + AsyncBufRead
//!        │
//!   TlsStream            stream         one drive loop for both sides
//!        │
//!   rustls connection    engine         read_tls · process_new_packets · write_tls
//!        │
//!   Attempt              callback       poll → one attempt: io::Read + io::Write
//!        │
//!   transport            ciphertext     TcpStream, UnixStream, duplex, …
//!        ┊
//!   CallbackIo           callback       attempts → poll: closures as a transport
//! ```
//!
//! - [`TlsConnector`] and [`TlsAcceptor`] make TLS streams on any tokio transport;
//!   [`LazyConfigAcceptor`] lets the server choose its configuration by the ClientHello.
//! - [`hello`] looks at a ClientHello first, and then accepts, refuses or passes the connection on.
//! - [`callback`] has the contract of an attempt and the adapters in both directions.
//! - [`Error`] and [`ErrorKind`] tell failures apart.
//!
//! A tokio-rustls 0.26 program moves over by changing the name of the crate;
//! [`moving_from_tokio_rustls`] lists every name, and what differs.

#![cfg_attr(docsrs, feature(doc_cfg))]

/// The programs of the README compile.
#[cfg(all(doctest, feature = "listener"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doc)]
#[doc = include_str!("../docs/tokio-rustls.md")]
pub mod moving_from_tokio_rustls {}

pub mod callback;
pub mod client;
mod either;
mod engine;
mod error;
#[cfg(feature = "ffi")]
pub mod ffi;
pub mod hello;
#[cfg(feature = "listener")]
pub mod listener;
#[cfg(feature = "next")]
pub mod next;
mod options;
#[cfg(feature = "proxy-protocol")]
pub mod proxy_protocol;
#[cfg(feature = "relay")]
pub mod relay;
pub mod server;
pub mod stream;

pub use client::{Connect, FallibleConnect, TlsConnector, TlsConnectorWithAlpn};
pub use either::TlsStream;
pub use error::{Error, ErrorKind};
pub use options::{Options, RecordSizing};
pub use rustls;
pub use server::{Accept, FallibleAccept, LazyConfigAcceptor, StartHandshake, TlsAcceptor};
