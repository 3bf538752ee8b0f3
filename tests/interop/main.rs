//! The examples as programs: against openssl and curl, with bad input, and on their own.

mod bounded;
mod built;
mod child;
mod clients;
mod files;
mod fingerprint;
#[cfg(all(unix, feature = "axum"))]
mod listener;
mod own;
mod peers;
mod servers;
