//! One connection, from its handshake to its log line.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pollback::listener::AcceptError;
use pollback::relay::{Cause, Endpoint, Relay};
use pollback::{Error, ErrorKind};

use crate::backend::{Introduction, Reached};
use crate::receive::{Client, Unserved, proxied};
use crate::record::{End, Record};
use crate::telemetry::Telemetry;

/// Serves a client until its connection ends.
pub(crate) async fn serve(mut client: Client, telemetry: Arc<Telemetry>) {
    let peer = client.peer();
    let arrival = &peer.handshake_data;
    let route = arrival.route.clone();
    let proxied = proxied(peer.proxy_header.as_ref());
    // Dropped before the client, which the listener counts: so the line is written before the proxy
    // exits.
    let mut record = Record {
        peer: proxied.map_or(peer.address, |address| address.source),
        server_name: arrival.server_name.clone(),
        route: Some(route.clone()),
        version: arrival.version,
        alpn: arrival.alpn.clone(),
        since: peer.since,
        traffic: telemetry.counters.traffic(),
        end: End::Stopped,
        error: None,
        telemetry,
    };
    // Boxed, since it is needed only until the connection is established.
    let reached = match Box::pin(reach(&mut client, &record)).await {
        Ok(reached) => reached,
        Err(error) => {
            client.abort();
            record.end = End::Unreachable;
            record.error = Some(error);
            return;
        }
    };
    let backend = &route.backend;
    let _permit = reached.permit;
    let mut relay =
        Relay::new(&mut client, reached.transport).with_idle_timeout(backend.idle_timeout);
    if let Some(limit) = backend.time_limit {
        relay = relay.with_time_limit(limit);
    }
    if let Some(limit) = backend.byte_limit {
        relay = relay.with_byte_limit(limit);
    }
    record.telemetry.counters.connection_opened();
    let ended = poll_fn(|cx| record.traffic.poll(&mut relay, cx)).await;
    record.telemetry.counters.connection_closed();
    (record.end, record.error) = match ended.map_err(|error| error.cause) {
        Ok(_) => (End::Closed, None),
        Err(Cause::Idle) => (End::Idle, None),
        Err(Cause::TimeLimit | Cause::ByteLimit) => (End::Limit, None),
        Err(Cause::Client(error)) if is_of_listener(&error) => (End::Stopped, None),
        Err(Cause::Client(error)) => (End::Client, Some(error)),
        Err(Cause::Backend(error)) => (End::Backend, Some(error)),
        Err(other) => (End::Backend, Some(io::Error::other(other.to_string()))),
    };
}

/// The connection to the backend: the one made during the client's handshake, or a new one.
async fn reach(client: &mut Client, record: &Record) -> io::Result<Reached> {
    let peer = client.peer();
    let arrival = &peer.handshake_data;
    if let Some(reached) = arrival.take_backend() {
        return Ok(reached);
    }
    let backend = &arrival.route.backend;
    let destination = match proxied(peer.proxy_header.as_ref()) {
        Some(address) => address.destination,
        // A system call, made only if the backend needs it.
        None if backend.speaks_proxy_protocol() => client.get_ref().tcp().local_addr()?,
        None => record.peer,
    };
    let alpn = arrival.alpn.as_deref();
    let introduction = Introduction {
        source: record.peer,
        destination,
        server_name: record.server_name.as_deref(),
        alpn: alpn.map(<[u8]>::to_vec).into_iter().collect(),
    };
    let reached = backend.connect(&introduction).await?;
    if backend.has_tls() && reached.alpn.as_deref() != alpn {
        let name = String::from_utf8_lossy(alpn.unwrap_or_default());
        let reason =
            format!("the backend does not support {name}, which was negotiated with the client");
        return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
    }
    Ok(reached)
}

/// Whether the listener has closed the connection, at the end of the grace time.
fn is_of_listener(error: &io::Error) -> bool {
    Error::find(error).is_some_and(|error| error.kind() == ErrorKind::Ended)
}

/// Logs a client that could not be served.
pub(crate) fn report(mut failed: AcceptError<SocketAddr>, telemetry: Arc<Telemetry>) {
    // The line has a separate field for the address.
    let Some(address) = failed.peer.take() else {
        telemetry.remarks.say(failed);
        return;
    };
    let proxied = proxied(failed.proxy_header.as_ref());
    let unserved = Unserved::find(&failed.error);
    let route = unserved.and_then(|unserved| unserved.route.clone());
    drop(Record {
        peer: proxied.map_or(address, |address| address.source),
        server_name: unserved.and_then(|unserved| unserved.server_name.clone()),
        end: match unserved {
            _ if is_of_listener(&failed.error) => End::Stopped,
            Some(unserved) => unserved.end,
            None => End::Handshake,
        },
        route,
        version: None,
        alpn: None,
        since: failed.since,
        traffic: telemetry.counters.traffic(),
        error: Some(io::Error::other(failed)),
        telemetry,
    });
}
