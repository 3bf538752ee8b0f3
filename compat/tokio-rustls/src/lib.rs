//! The public names of tokio-rustls 0.26, all of them from [pollback](pollback).
//!
//! With a `[patch.crates-io]` that names this package, a program whose dependencies use
//! tokio-rustls uses pollback instead; see the README.

// One by one: a glob would include pollback's own names, and make `Error` and `ErrorKind` ambiguous
// together with `use std::io::*`.
pub use pollback::{
    Accept, Connect, FallibleAccept, FallibleConnect, LazyConfigAcceptor, StartHandshake,
    TlsAcceptor, TlsConnector, TlsConnectorWithAlpn, TlsStream, rustls,
};

/// The client side.
pub mod client {
    pub use pollback::client::{
        Connect, FallibleConnect, TlsConnector, TlsConnectorWithAlpn, TlsStream,
    };
}

/// The server side.
pub mod server {
    pub use pollback::server::{
        Accept, FallibleAccept, LazyConfigAcceptor, StartHandshake, TlsAcceptor, TlsStream,
    };
}
