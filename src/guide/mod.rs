//! Recipes: complete pieces of programs to copy.
//!
//! They are compiled and, where they need no server of somebody else, run by the tests. The parts
//! that only a test needs, such as its certificates, are hidden; "show hidden items" of the source
//! view has them. Larger programs are in the folder `examples`.
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
//! | TLS 1.3 early data, and its danger | [`early_data`] |
#![cfg_attr(
    feature = "next",
    doc = "| a pre-release of rustls 0.24 | [`rustls_next`] |"
)]
// A recipe is missing without its feature; docs.rs has all of them.
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
