//! TLS streams for tokio.

pub use rustls;
