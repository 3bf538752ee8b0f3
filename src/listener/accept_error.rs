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

/// The step at which a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The transport is accepted.
    Accept,
    /// The listener waits for the first byte of the header of the PROXY protocol, or of the
    /// ClientHello.
    FirstByte,
    /// The header of the PROXY protocol is being read.
    ProxyHeader,
    /// The ClientHello is being read.
    Hello,
    /// The handshake is being performed.
    Handshake,
}

/// A connection that failed before it was established.
///
/// `Display` prints one line: the peer, the step at which the connection failed, and the cause. The line
/// of a [probe](Self::is_probe) says that the peer sent no data.
#[derive(Debug)]
#[non_exhaustive]
pub struct AcceptError<P> {
    /// The address of its peer; `None` if accepting itself failed.
    pub peer: Option<P>,
    /// When the transport was accepted, or when accepting failed.
    pub since: Instant,
    /// What a trusted proxy said about the client, if its header was read.
    #[cfg(feature = "proxy-protocol")]
    pub proxy_header: Option<Arc<ProxyHeader>>,
    /// The step at which it failed.
    pub stage: Stage,
    /// Why the connection failed: [`ErrorKind::HandshakeTimeout`] (`TimedOut`) if the deadline has
    /// passed, `QuotaExceeded` if too many handshakes were in flight.
    /// [`Error::find`](crate::Error::find) distinguishes the failures of TLS and the end of the
    /// grace period.
    pub error: io::Error,
}

impl<P> AcceptError<P> {
    /// Returns whether the peer closed or reset the connection without sending a byte of TLS.
    ///
    /// Health checks and port scans do that; load balancers may send a PROXY header first. A
    /// truncated ClientHello is not a probe, nor is a client that stayed silent until the deadline.
    pub fn is_probe(&self) -> bool {
        let has_left = matches!(
            self.error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        );
        // The error at the end of the grace time has one of these kinds too.
        let of_transport =
            Error::find(&self.error).is_none_or(|error| error.kind() == ErrorKind::Truncated);
        self.stage == Stage::FirstByte && has_left && of_transport
    }

    /// The client that a trusted proxy has named.
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

impl<P: fmt::Debug> fmt::Display for AcceptError<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses of Unix sockets implement only `Debug`; for all others it equals `Display`.
        match (self.client(), &self.peer) {
            (Some(client), Some(peer)) => write!(f, "{client} through {peer:?}: ")?,
            (None, Some(peer)) => write!(f, "{peer:?}: ")?,
            (_, None) => {}
        }
        match self.is_probe() {
            true => f.write_str("the peer closed the connection before it sent data"),
            // For plaintext rustls reports an invalid type of message.
            false => match Error::find(&self.error).map(|error| error.kind()) {
                Some(kind @ ErrorKind::NotTls) => write!(f, "{} failed: {kind}", self.stage),
                _ => write!(f, "{} failed: {}", self.stage, self.error),
            },
        }
    }
}

impl<P: fmt::Debug> StdError for AcceptError<P> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}
