//! The C side: the callbacks and the connections of [rustls-ffi](https://docs.rs/rustls-ffi)
//! (feature `ffi`).
//!
//! rustls-ffi requires three C functions: read, write, and write of several slices. Each makes one
//! attempt at a transport, as [`callback`](crate::callback) defines it. This module connects them to
//! Tokio in both directions, and drives a connection of rustls-ffi as a TLS stream:
//!
//! | from | to | with |
//! |---|---|---|
//! | C callbacks | a Tokio transport | [`CCallbacks`] in a [`CallbackIo`] |
//! | a Tokio transport | C callbacks | [`read`], [`write()`], [`write_vectored`] |
//! | a `rustls_connection` | a TLS stream | [`FfiConnection`] |
//! | a `rustls_acceptor` | a server's TLS stream | [`FfiAcceptor`] |
//!
//! [`lend_read`] and [`lend_write`] lend a transport to C for the duration of one call.
//!
//! # Codes
//!
//! A callback returns 0, or an error code: an `errno` value, or on Windows one of
//! `WSAGetLastError`. A code from C becomes an [`io::Error`](std::io::Error) by
//! [`from_raw_os_error`](std::io::Error::from_raw_os_error), so codes that the system does not know
//! are preserved, too. An error that is passed to C becomes its own code or, if it has none, the
//! code for its kind: `EAGAIN` for `WouldBlock`, `EINTR` for `Interrupted`, `EPIPE` for
//! `BrokenPipe`, and so on for the other kinds of a broken connection, `EIO` for all the rest. The
//! error itself is kept, and returned unchanged on the Rust side.
//!
//! # Signals
//!
//! A program whose `main` is in Rust ignores SIGPIPE. One whose `main` is in C does not, and is
//! then killed by some writes to a socket that the peer has closed, including vectored writes of
//! Tokio's sockets. Such a program should call `signal(SIGPIPE, SIG_IGN)`.
//!
//! [`CallbackIo`]: crate::callback::CallbackIo

#![allow(unsafe_code)]

mod acceptor;
mod callbacks;
mod codes;
mod connection;
mod engine;
mod entry;
mod failure;
mod lend;
mod owned;

pub use acceptor::{FfiAccepted, FfiAcceptor};
pub use callbacks::CCallbacks;
pub use connection::FfiConnection;
pub use entry::{read, write, write_vectored};
pub use failure::FfiError;
pub use lend::{lend_read, lend_write};
pub use rustls_ffi;
