//! Deterministic transports, certificates and configurations for the tests of pollback.
//!
//! Independent of pollback, so that the same tests can run against any crate with the API of
//! tokio-rustls.

pub use proptest;

pub mod budget;
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
