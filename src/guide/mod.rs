//! Recipes: complete pieces of programs to copy.
//!
//! The tests compile all of them, and run those that need no external server. The parts that only a
//! test needs, such as its certificates, are hidden here, but are in the source. Larger programs
//! are in the folder `examples`.
//!
//! | task | recipe |
//! |---|---|
//! | request a page with hyper; serve axum with client certificates | [`http`] |
//! | start TLS on a connection that began in plaintext (STARTTLS) | [`upgrade`](upgrade#starttls) |
//! | connect through an HTTP or SOCKS5 proxy | [`upgrade`](upgrade#connect) |
//! | TLS inside TLS | [`upgrade`](upgrade#tls-in-tls) |
//! | return to plaintext (FTP's CCC) | [`upgrade`](upgrade#back-to-plaintext) |
//! | WebSocket; lines, frames and other codecs | [`messages`] |
//! | TLS over a queue, a raw socket or another custom transport | [`callbacks`] |
//! | route connections by server name | [`routing`] |
//! | TLS 1.3 early data, and its dangers | [`early_data`] |
#![cfg_attr(
    feature = "next",
    doc = "| a pre-release of rustls 0.24 | [`rustls_next`] |"
)]
// Recipes that need a feature exist only with it; docs.rs has all of them.
#![cfg_attr(not(feature = "full"), allow(rustdoc::broken_intra_doc_links))]

pub mod callbacks;
#[cfg(feature = "early-data")]
pub mod early_data;
#[cfg(feature = "axum-08")]
pub mod http;
pub mod messages;
#[cfg(feature = "relay")]
pub mod routing;
#[cfg(feature = "next")]
pub mod rustls_next;
pub mod upgrade;
