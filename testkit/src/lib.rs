//! Deterministic transports, certificates and configurations for the tests of pollback.
//!
//! Nothing here knows pollback, so that the same tests can be pointed at any crate with the names
//! of tokio-rustls.

pub use proptest;

pub mod bytes;
pub mod certificates;
pub mod configs;
pub mod executor;
pub mod hellos;
pub mod pipe;
pub mod plan;
pub mod programs;
pub mod sockets;
pub mod tickets;
pub mod watched;
