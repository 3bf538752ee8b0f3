//! TLS streams for Tokio, built on [rustls](https://docs.rs/rustls), with the types and signatures of
//! tokio-rustls 0.26.
//!
//! ```no_run
//! use pollback::TlsConnector;
//! use pollback::rustls::ClientConfig;
//! use std::sync::Arc;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//!
//! # async fn get(config: Arc<ClientConfig>) -> Result<(), Box<dyn std::error::Error>> {
//! let tcp = TcpStream::connect("example.com:443").await?;
//! let connector = TlsConnector::from(config);
//! let mut stream = connector.connect("example.com".try_into()?, tcp).await?;
//! stream.write_all(b"GET / HTTP/1.0\r\nHost: example.com\r\n\r\n").await?;
//! let mut response = String::new();
//! stream.read_to_string(&mut response).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to start
//!
//! | you want to | look at |
//! |---|---|
//! | connect as a client | [`TlsConnector`], with the future [`Connect`] |
//! | accept as a server | [`TlsAcceptor`], with the future [`Accept`] |
#![cfg_attr(
    feature = "listener",
    doc = "| run a server: deadlines, limits, certificate reload, graceful shutdown | \
           [`TlsListener`](listener::TlsListener) in [`listener`] |"
)]
//! | read and write; split, close or disassemble a stream | [`stream::TlsStream`] |
//! | store streams of clients and servers in one type | the enum [`TlsStream`] |
//! | choose a configuration by the ClientHello | [`LazyConfigAcceptor`], [`StartHandshake`] |
//! | inspect a ClientHello, then accept, pass on or refuse the connection | [`hello`] |
//! | batch writes, limit buffers, size records | [`Options`], [`RecordSizing`] |
//! | tell failures apart | [`Error`], [`ErrorKind`] |
//! | run TLS over closures, a queue or a raw socket | [`CallbackIo`](callback::CallbackIo) in [`callback`] |
#![cfg_attr(
    feature = "relay",
    doc = "| copy between two streams, as a proxy does | [`Relay`](relay::Relay) in [`relay`] |"
)]
#![cfg_attr(
    feature = "proxy-protocol",
    doc = "| read and write headers of the PROXY protocol | [`proxy_protocol`] |"
)]
#![cfg_attr(feature = "ffi", doc = "| work with rustls-ffi | [`ffi`] |")]
#![cfg_attr(feature = "next", doc = "| try rustls 0.24 | [`next`] |")]
//! | copy a recipe: HTTP, STARTTLS, proxies, WebSocket, early data and others | [`guide`] |
//! | migrate a tokio-rustls program | [`moving_from_tokio_rustls`] |
//!
//! [`stream::TlsStream`] describes what every stream guarantees.
//!
//! # Feature flags
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `aws_lc_rs`, `aws-lc-rs` | yes | the cryptography of AWS-LC, which needs a C compiler |
//! | `ring` | | the cryptography of ring |
//! | `fips` | | AWS-LC in its FIPS build, which needs more than a C compiler |
//! | `tls12` | yes | TLS 1.2 in addition to TLS 1.3 |
//! | `logging` | yes | the log messages of rustls |
//! | `early-data` | | TLS 1.3 early data (0-RTT) for clients and servers |
//! | `brotli`, `zlib` | | certificate compression |
//! | `bytes` | | `try_read_buf` into the buffers of the crate bytes |
//! | `fd` | | `Descriptor`: callbacks that are woken by a file descriptor (Unix) |
//! | `ffi-aws-lc-rs`, `ffi-ring`, `ffi-fips` | | the callbacks and connections of rustls-ffi with that provider; requires exactly the rustls version that rustls-ffi requires |
//! | `ffi` | | the same, without a provider for rustls-ffi |
//! | `listener` | | `TlsListener`: deadlines, limits, certificate reload, certificates by name, graceful shutdown |
//! | `handshake-threads` | | handshakes on threads of their own with a low priority |
//! | `axum-08` | | `TlsListener` for `axum::serve` of axum 0.8, with the peer available to handlers |
//! | `tonic` | | `TlsListener` for `serve_with_incoming` of tonic 0.14, with the peer in the extensions of a request |
//! | `proxy-protocol` | | PROXY protocol v1 and v2 from trusted peers |
//! | `relay` | | `Relay`: copies between two streams in both directions, as a proxy does |
//! | `next` | | the same streams on a pre-release of rustls 0.24, with no stability guarantee: see `pollback::next` |
//! | `full` | | every feature that a program can combine: with `aws_lc_rs` (not `ring` or `fips`), without `ffi` and `next` |
//!
//! With both `aws_lc_rs` and `ring`, rustls has no default provider: install one with
//! `CryptoProvider::install_default`, or name it with `builder_with_provider`.
//!
//! # How it works
//!
//! Tokio *polls* a transport for progress; rustls reads and writes ciphertext through [`std::io::Read`]
//! and [`std::io::Write`], rustls-ffi through C callbacks, one attempt at a time. This crate joins the
//! two, in both directions:
//!
//! ```text
//!   application          plaintext      AsyncRead + AsyncWrite + AsyncBufRead
//!        │
//!   TlsStream            stream         one drive loop for clients and servers
//!        │
//!   rustls connection    engine         encrypts and decrypts; performs no I/O
//!        │
//!   Attempt              callback       one poll as one attempt: io::Read + io::Write
//!        │
//!   transport            ciphertext     TcpStream, UnixStream, duplex, …
//!        ┊
//!   CallbackIo           callback       closures that make attempts, as a transport
//! ```
//!
//! - A *transport* carries ciphertext: any `AsyncRead + AsyncWrite`.
//! - An *attempt* is one non-blocking try at it, with the result of [`std::io::Read`] or
//!   [`std::io::Write`]; [`callback`] defines what each result means.
//! - An *engine* is a rustls connection, of 0.23 or (feature `next`) 0.24, behind a private trait.

#![cfg_attr(docsrs, feature(doc_cfg))]

/// Checks that the programs of the README compile.
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
#[cfg(doc)]
pub mod guide;
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
