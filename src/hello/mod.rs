//! A look at a ClientHello, before anything is decided.
//!
//! [`peek`] reads the ClientHello of a connection and nothing behind it. What it says can then be
//! waited upon for as long as it takes, a certificate being fetched, say, and the connection is
//!
//! - accepted: [`Hello::accept`], under the configuration that was chosen;
//! - passed on: [`Hello::into_replay`], a transport that still has every byte of the client;
//! - or refused: [`Hello::refuse`], with an alert of choice.
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
//!     let hello = hello::peek(tcp).await?;
//!     match hello.client_hello().server_name() {
//!         Some("here.example") => {
//!             let config = fetch("here.example").await;
//!             let stream = hello.accept(config).await?;
//!             // Serve the stream.
//! #           drop(stream);
//!         }
//!         Some("there.example") => {
//!             let mut backend = TcpStream::connect("192.0.2.1:443").await?;
//!             let mut client = hello.into_replay();
//!             tokio::io::copy_bidirectional(&mut client, &mut backend).await?;
//!         }
//!         _ => {
//!             hello.refuse(AlertDescription::UnrecognisedName).await;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # When to use the `LazyConfigAcceptor`
//!
//! [`LazyConfigAcceptor`](crate::LazyConfigAcceptor) reads a ClientHello to accept it, and no more:
//! it keeps no bytes, so the connection can no longer be passed on, and knows neither the versions
//! nor the extensions that the client offers. It is here for programs that come from tokio-rustls,
//! and does with one read of the transport what a `peek`, which must not read too far, does with
//! two.

mod message;
mod peek;
mod recorder;
mod refuse;
mod replay;

use std::sync::Arc;

pub use message::Extensions;
pub use peek::{LIMIT, Peek, peek};
pub use refuse::Refuse;
pub use replay::Replay;
use rustls::server::ClientHello;
use rustls::{AlertDescription, NamedGroup, ProtocolVersion, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::Alert;
use crate::server::{Accept, StartHandshake};
use message::{list, message, prefixed};

/// A ClientHello that was looked at, and the connection that it came from.
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct Hello<IO> {
    start: StartHandshake<IO>,
    bytes: Vec<u8>,
    message: Vec<u8>,
}

impl<IO> Hello<IO> {
    fn new(start: StartHandshake<IO>, bytes: Vec<u8>) -> Self {
        Self {
            start,
            message: message(&bytes),
            bytes,
        }
    }

    /// What rustls tells of the hello: server name, ALPN, cipher suites, signature schemes and more.
    pub fn client_hello(&self) -> ClientHello<'_> {
        self.start.accepted.client_hello()
    }

    /// The protocol versions that the client offers, in its order.
    ///
    /// A client that knows only TLS 1.2 and older names the latest one that it has.
    pub fn versions(&self) -> impl Iterator<Item = ProtocolVersion> + '_ {
        const SUPPORTED_VERSIONS: u16 = 43;
        let offered = self
            .extension(SUPPORTED_VERSIONS)
            .and_then(|body| prefixed(body, 1));
        let latest = self.message.get(4..6).unwrap_or_default();
        list(offered.map_or(latest, |(versions, _)| versions)).map(ProtocolVersion::from)
    }

    /// The groups for the key exchange that the client offers, in its order.
    pub fn named_groups(&self) -> impl Iterator<Item = NamedGroup> + '_ {
        const SUPPORTED_GROUPS: u16 = 10;
        let offered = self
            .extension(SUPPORTED_GROUPS)
            .and_then(|body| prefixed(body, 2));
        list(offered.map_or(&[], |(groups, _)| groups)).map(NamedGroup::from)
    }

    /// The extensions of the hello in the order of the wire, each with its type and its body.
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::of(&self.message)
    }

    fn extension(&self, wanted: u16) -> Option<&[u8]> {
        self.extensions()
            .find_map(|(extension, body)| (extension == wanted).then_some(body))
    }

    /// What was read from the transport: the records of the hello, and nothing behind them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hello as one handshake message, from its type and length on (RFC 8446, section 4).
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The transport. What is written to it reaches the client in the clear.
    pub fn get_ref(&self) -> &IO {
        &self.start.io
    }

    /// The transport, to be changed. Bytes that are read from it here are missing later on.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.start.io
    }

    /// Passes the connection on: a transport that gives the bytes of the hello again, and goes on
    /// with what follows them.
    pub fn into_replay(self) -> Replay<IO> {
        Replay::new(self.bytes, self.start.io)
    }
}

impl<IO> Hello<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Accepts the connection under `config`.
    ///
    /// See [`Handshake`](crate::stream::Handshake) for its errors and what happens when it is
    /// dropped.
    pub fn accept(self, config: Arc<ServerConfig>) -> Accept<IO> {
        self.start.into_stream(config)
    }

    /// Like [`accept`](Self::accept), but lets `f` change the connection first.
    pub fn accept_with<F>(self, config: Arc<ServerConfig>, f: F) -> Accept<IO>
    where
        F: FnOnce(&mut ServerConnection),
    {
        self.start.into_stream_with(config, f)
    }

    /// Refuses the connection with a fatal alert.
    pub fn refuse(self, alert: AlertDescription) -> Refuse<IO> {
        Refuse::new(self.start.io, Alert::fatal(alert))
    }
}

/// Goes on as after a [`LazyConfigAcceptor`](crate::LazyConfigAcceptor).
impl<IO> From<Hello<IO>> for StartHandshake<IO> {
    fn from(hello: Hello<IO>) -> Self {
        hello.start
    }
}
