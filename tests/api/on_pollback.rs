//! The suite on this crate.

pub(crate) use pollback as tls;

#[path = "suite/mod.rs"]
mod suite;
