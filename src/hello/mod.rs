//! A look at a ClientHello, before anything is decided.
//!
//! [`peek`] reads the ClientHello of a connection and nothing behind it. What it says can then be
//! waited upon for as long as it takes, a certificate being fetched, say, and the connection is
//!
//! - accepted: [`Incoming::accept`], under the configuration that was chosen;
//! - passed on: [`Incoming::into_rewind`], a transport that still has every byte of the client;
//! - or refused: [`Incoming::refuse`], with an alert of choice.
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
//! Whatever has the form of one. The look does not ask what rustls would accept: hellos of TLS 1.0
//! and 1.1, with names that are none, with extensions that nobody knows and in records of any size
//! are looked at and passed on byte for byte. [`Incoming::accept`] asks rustls, and sends the client
//! the alert that it refuses with.
//!
//! # TLS and something else on one port
//!
//! [`Peek::or_plain`] tells clients that speak TLS from those that do not, and keeps every byte:
//!
//! ```no_run
//! use pollback::hello::{self, Peeked};
//! # use std::io;
//! # use tokio::net::TcpStream;
//!
//! # async fn answer(tcp: TcpStream) -> io::Result<()> {
//! match hello::peek(tcp).or_plain().await? {
//!     Peeked::Tls(incoming) => {
//!         // Accept it.
//! #       drop(incoming);
//!     }
//!     Peeked::Plain(mut http) => {
//!         // Read the request from it, from its first byte on.
//! #       tokio::io::AsyncReadExt::read_u8(&mut http).await?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Without a transport
//!
//! [`ClientHello::parse`] and [`Parser`] look at bytes alone, however they were come by.
//!
//! # When to use the `LazyConfigAcceptor`
//!
//! [`LazyConfigAcceptor`](crate::LazyConfigAcceptor) reads a ClientHello to accept it, and no more:
//! it keeps no bytes, so the connection can no longer be passed on, and refuses what rustls does not
//! accept. It is here for programs that come from tokio-rustls. A connection that was looked at can
//! go on to one: give it [`Incoming::into_rewind`].

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
