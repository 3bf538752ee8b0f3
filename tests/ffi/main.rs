//! The C side: C callbacks as attempts, a transport lent to C, and connections and acceptors of
//! rustls-ffi as streams. Each row of the contract is tested in both directions.

#![allow(unsafe_code)]
// The tests use the Unix names of codes.
#![cfg(unix)]

mod accepted;
mod acceptor;
mod callbacks;
mod configs;
mod connection;
mod fixed;
mod lent;
mod loans;
mod over_stream;
mod pair;
mod reentrancy;
mod refusals;
mod script;
mod slices;
#[cfg(feature = "fd")]
mod sockets;
mod stream;
mod stream_ends;
mod support;
