//! The log line of a connection, in JSON.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use humantime::{Rfc3339Timestamp, format_rfc3339_millis};
use pollback::rustls::ProtocolVersion;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use crate::routes::Route;
use crate::telemetry::Telemetry;
use crate::traffic::Traffic;

/// How a connection has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// Both sides have sent everything and closed.
    Closed,
    /// No byte has moved for too long.
    Idle,
    /// It has exceeded the time limit or the byte limit.
    Limit,
    /// The client's connection has failed, or it has violated the protocol.
    Client,
    /// The same for the backend.
    Backend,
    /// The backend could not be reached.
    Unreachable,
    /// No route matches the requested server name.
    UnknownName,
    /// The client failed before it could be served.
    Handshake,
    /// The proxy was shut down.
    Stopped,
}

/// The log line of a connection, written when this is dropped.
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
    pub(crate) telemetry: Arc<Telemetry>,
}

/// Enough for most lines.
const LINE: usize = 512;

#[derive(Serialize)]
struct Line<'a> {
    #[serde(serialize_with = "as_text")]
    time: Rfc3339Timestamp,
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
            Self::Limit => "limit reached",
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
        let duration = self.since.elapsed();
        Line {
            time: format_rfc3339_millis(SystemTime::now() - duration),
            peer: self.peer,
            server_name: self.server_name.as_deref(),
            route: route.map(|route| route.name.as_str()),
            backend: route.map(|route| route.backend.name.as_str()),
            tls_version: self.version.and_then(|version| version.as_str()),
            alpn: self
                .alpn
                .as_deref()
                .map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            bytes_to_backend: self.traffic.moved.to_backend,
            bytes_to_client: self.traffic.moved.to_client,
            duration_ms: duration.as_millis() as u64,
            end: self.end.name(),
            error: self.error.as_ref().map(ToString::to_string),
        }
    }
}

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Runs also when the proxy ends and drops unfinished tasks.
impl Drop for Record {
    fn drop(&mut self) {
        let line = self.line();
        let counters = &self.telemetry.counters;
        counters.connection_ended(line.route.unwrap_or_default(), line.end);
        let mut text = Vec::with_capacity(LINE);
        serde_json::to_writer(&mut text, &line).expect("it can be written as JSON");
        text.push(b'\n');
        self.telemetry.records.queue(&text);
    }
}
