//! What a listener reports.

use std::error::Error as StdError;
use std::fmt;
use std::io;
#[cfg(feature = "proxy-protocol")]
use std::sync::Arc;

#[cfg(feature = "proxy-protocol")]
use proxy_header::ProxyHeader;
use tokio::time::Instant;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The transport is accepted.
    Accept,
    /// The header of the PROXY protocol is read.
    ProxyHeader,
    /// The ClientHello is read.
    Hello,
    /// The handshake is carried out.
    Handshake,
}

/// A connection that came to nothing.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed<P> {
    /// Where it came from; `None` if accepting itself failed.
    pub peer: Option<P>,
    /// When the transport was accepted; when accepting failed, if it did.
    pub since: Instant,
    /// What a trusted proxy said of the client, if it came to that.
    #[cfg(feature = "proxy-protocol")]
    pub proxy_header: Option<Arc<ProxyHeader<'static>>>,
    /// How far it had come.
    pub stage: Stage,
    /// Why: `TimedOut` if the deadline has passed, `QuotaExceeded` if too many handshakes were in
    /// flight. [`Error::find`](crate::Error::find) tells the failures of TLS apart, and the end of
    /// the grace time from both.
    pub error: io::Error,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accepting a connection",
            Self::ProxyHeader => "reading the PROXY header",
            Self::Hello => "reading the ClientHello",
            Self::Handshake => "the handshake",
        })
    }
}

impl<P> fmt::Display for Failed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.stage, self.error)
    }
}

impl<P: fmt::Debug> StdError for Failed<P> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}
