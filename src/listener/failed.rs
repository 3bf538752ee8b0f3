//! What a listener reports.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
#[cfg(feature = "proxy-protocol")]
use std::sync::Arc;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyHeader;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The transport is accepted.
    Accept,
    /// The first byte of what has to come next is waited for: of the header of the PROXY protocol, or
    /// of the ClientHello.
    FirstByte,
    /// The header of the PROXY protocol is read.
    ProxyHeader,
    /// The ClientHello is read.
    Hello,
    /// The handshake is carried out.
    Handshake,
}

/// A connection that came to nothing.
///
/// Displayed it is one line: where the connection came from, how far it had come, and why it failed.
/// The line of a [probe](Self::is_probe) has the words "left without a byte" in it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed<P> {
    /// Where it came from; `None` if accepting itself failed.
    pub peer: Option<P>,
    /// When the transport was accepted; when accepting failed, if it did.
    pub since: Instant,
    /// What a trusted proxy said of the client, if it came to that.
    #[cfg(feature = "proxy-protocol")]
    pub proxy_header: Option<Arc<ProxyHeader>>,
    /// How far it had come.
    pub stage: Stage,
    /// Why: [`ErrorKind::HandshakeTimeout`] (`TimedOut`) if the deadline has passed, `QuotaExceeded` if too many handshakes were in
    /// flight. [`Error::find`](crate::Error::find) tells the failures of TLS apart, and the end of
    /// the grace time from both.
    pub error: io::Error,
}

impl<P> Failed<P> {
    /// Whether the peer closed or reset the connection without a byte of TLS.
    ///
    /// Health checks and port scans do that; load balancers may send a PROXY header first. A client
    /// that was cut in its hello is no probe, nor is one that stayed silent until the deadline.
    pub fn is_probe(&self) -> bool {
        let has_left = matches!(
            self.error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        );
        // The end of the grace time has one of these kinds too.
        let of_transport =
            Error::find(&self.error).is_none_or(|error| error.kind() == ErrorKind::Truncated);
        self.stage == Stage::FirstByte && has_left && of_transport
    }

    /// The client that a trusted proxy speaks for.
    #[cfg(feature = "proxy-protocol")]
    fn client(&self) -> Option<SocketAddr> {
        let address = self.proxy_header.as_ref()?.proxied_address()?;
        Some(address.source)
    }

    #[cfg(not(feature = "proxy-protocol"))]
    fn client(&self) -> Option<SocketAddr> {
        None
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accepting a connection",
            Self::FirstByte => "waiting for the first byte",
            Self::ProxyHeader => "reading the PROXY header",
            Self::Hello => "reading the ClientHello",
            Self::Handshake => "the handshake",
        })
    }
}

impl<P: fmt::Debug> fmt::Display for Failed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The addresses of Unix sockets can be shown in this way only, and all others look the same.
        match (self.client(), &self.peer) {
            (Some(client), Some(peer)) => write!(f, "{client} through {peer:?}: ")?,
            (None, Some(peer)) => write!(f, "{peer:?}: ")?,
            (_, None) => {}
        }
        match self.is_probe() {
            true => f.write_str("the peer left without a byte"),
            false => write!(f, "{} failed: {}", self.stage, self.error),
        }
    }
}

impl<P: fmt::Debug> StdError for Failed<P> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}
