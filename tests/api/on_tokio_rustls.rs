//! The suite on the crate it was written against.

pub(crate) use tokio_rustls as tls;

#[path = "suite/mod.rs"]
mod suite;
