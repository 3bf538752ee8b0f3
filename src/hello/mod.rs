//! Inspects a ClientHello before the connection is accepted.
//!
//! [`peek`] reads the ClientHello of a connection and no byte after it. The program can then take its
//! time, to fetch a certificate for example, and
//!
//! - accept the connection with the chosen configuration: [`Incoming::accept`];
//! - pass it on: [`Incoming::into_rewind`] returns a transport that still has every byte of the client;
//! - or refuse it with an alert: [`Incoming::refuse`].
//!
//! ```no_run
//! use pollback::hello;
//! use pollback::rustls::{AlertDescription, ServerConfig};
//! use std::io;
//! use std::sync::Arc;
//! use tokio::net::TcpStream;
//!
//! # async fn fetch(name: &str) -> Arc<ServerConfig> { std::future::pending().await }
//! async fn route(tcp: TcpStream) -> io::Result<()> {
//!     let incoming = hello::peek(tcp).await?;
//!     match incoming.client_hello().server_name() {
//!         Some("here.example") => {
//!             let config = fetch("here.example").await;
//!             let stream = incoming.accept(config).await?;
//!             // Serve the stream.
//! #           drop(stream);
//!         }
//!         Some("there.example") => {
//!             let mut backend = TcpStream::connect("192.0.2.1:443").await?;
//!             let mut client = incoming.into_rewind();
//!             tokio::io::copy_bidirectional(&mut client, &mut backend).await?;
//!         }
//!         _ => {
//!             incoming.refuse(AlertDescription::UnrecognisedName).await;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # What counts as a ClientHello
//!
//! Every message that has the structure of one, whether rustls would accept it or not: messages of
//! TLS 1.0 and 1.1, with invalid names, with unknown extensions, and in records of any size, up to a
//! message of 64 KiB. All of these can be inspected and passed on byte for byte. [`Incoming::accept`]
//! lets rustls decide, and sends its alert if it does not accept the client.
//!
//! # TLS and something else on one port
//!
//! [`Peek::or_plain`] distinguishes clients that speak TLS from those that do not, and keeps every
//! byte:
//!
//! ```no_run
//! use pollback::hello::{self, Peeked};
//! # use std::io;
//! # use tokio::net::TcpStream;
//!
//! # async fn serve(tcp: TcpStream) -> io::Result<()> {
//! match hello::peek(tcp).or_plain().await? {
//!     Peeked::Tls(incoming) => {
//!         // Accept it.
//! #       drop(incoming);
//!     }
//!     Peeked::Plain(mut http) => {
//!         // Read the request from it, beginning with its first byte.
//! #       tokio::io::AsyncReadExt::read_u8(&mut http).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Without a transport
//!
//! [`ClientHello::parse`] and [`Parser`] work on bytes alone.
//!
//! # When to use the `LazyConfigAcceptor`
//!
//! [`LazyConfigAcceptor`](crate::LazyConfigAcceptor) is for programs that were written for
//! tokio-rustls. It keeps no bytes, so the connection cannot be passed on, and rejects clients that
//! rustls does not accept. A connection that was inspected can continue with one: pass it
//! [`Incoming::into_rewind`].

mod client_hello;
mod incoming;
mod parser;
mod peek;
mod refuse;
mod rewind;

pub use client_hello::{ClientHello, Extensions};
pub use incoming::Incoming;
pub use parser::{LIMIT, Parser};
pub use peek::{Peek, PeekOrPlain, Peeked, peek};
pub use refuse::Refuse;
pub use rewind::Rewind;
