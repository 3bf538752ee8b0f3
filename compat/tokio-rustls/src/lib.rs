//! The public names of tokio-rustls 0.26, all of them from [pollback](pollback).
//!
//! A program whose dependencies use tokio-rustls gets pollback instead by a `[patch.crates-io]`
//! that names this package; see its README.

// One by one: a glob would bring pollback's own names along, and make `Error` and `ErrorKind`
// ambiguous beside `use std::io::*`.
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
