//! The examples as programs: with programs of others, with bad input, and on their own.

mod bounded;
mod built;
mod child;
mod clients;
#[cfg(feature = "early-data")]
mod early_data;
mod files;
mod fingerprint;
#[cfg(all(unix, feature = "axum-08"))]
mod listener;
mod odd_servers;
mod own;
mod peers;
#[cfg(target_os = "linux")]
mod port;
mod servers;
