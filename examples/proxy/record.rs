//! The line of JSON that each connection leaves behind.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use pollback::rustls::ProtocolVersion;
use serde::Serialize;
use tokio::time::Instant;

use crate::counters::Counters;
use crate::routes::Route;
use crate::traffic::Traffic;

/// How a connection has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// In order: both sides have sent all they had.
    Closed,
    /// No byte has moved for too long.
    Idle,
    /// The client was cut off, or has broken a rule.
    Client,
    /// So was, or has, the backend.
    Backend,
    /// The backend could not be reached.
    Unreachable,
    /// No route has the name that the client asks for.
    UnknownName,
    /// The client came to nothing before it could be served.
    Handshake,
    /// The proxy itself has ended.
    Stopped,
}

/// What is written of a connection, as soon as this is dropped.
pub(crate) struct Record {
    pub(crate) peer: SocketAddr,
    pub(crate) server_name: Option<Arc<str>>,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) alpn: Option<Arc<[u8]>>,
    pub(crate) since: Instant,
    pub(crate) traffic: Traffic,
    pub(crate) end: End,
    pub(crate) error: Option<io::Error>,
    pub(crate) counters: Counters,
}

#[derive(Serialize)]
struct Line<'a> {
    peer: SocketAddr,
    server_name: Option<&'a str>,
    route: Option<&'a str>,
    backend: Option<&'a str>,
    tls_version: Option<&'a str>,
    alpn: Option<String>,
    bytes_to_backend: u64,
    bytes_to_client: u64,
    duration_ms: u64,
    end: &'static str,
    error: Option<String>,
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Idle => "idle",
            Self::Client => "client failed",
            Self::Backend => "backend failed",
            Self::Unreachable => "backend unreachable",
            Self::UnknownName => "unknown name",
            Self::Handshake => "handshake failed",
            Self::Stopped => "stopped",
        }
    }
}

impl Record {
    fn line(&self) -> Line<'_> {
        let route = self.route.as_deref();
        Line {
            peer: self.peer,
            server_name: self.server_name.as_deref(),
            route: route.map(|route| route.name.as_str()),
            backend: route.map(|route| route.backend.name.as_str()),
            tls_version: self.version.and_then(|version| version.as_str()),
            alpn: self
                .alpn
                .as_deref()
                .map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            bytes_to_backend: self.traffic.to_backend.bytes(),
            bytes_to_client: self.traffic.to_client.bytes(),
            duration_ms: self.since.elapsed().as_millis() as u64,
            end: self.end.name(),
            error: self.error.as_ref().map(ToString::to_string),
        }
    }
}

/// Also when the proxy ends, and drops what is still at work.
impl Drop for Record {
    fn drop(&mut self) {
        let line = self.line();
        self.counters
            .connection_ended(line.route.unwrap_or_default(), line.end);
        let mut text = serde_json::to_string(&line).expect("it can be written as JSON");
        text.push('\n');
        // Whoever was reading may be gone, which is no reason to stop serving.
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }
}
