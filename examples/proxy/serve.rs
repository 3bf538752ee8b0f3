//! One connection, from its handshake or the failure of it to its line of JSON.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pollback::listener::Failed;
use pollback::proxy_protocol::{ProxiedAddress, ProxyHeader};
use pollback::{Error, ErrorKind};

use crate::backend::Introduction;
use crate::counters::Counters;
use crate::receive::{Client, Unserved};
use crate::record::{End, Record};
use crate::relay::{Outcome, relay};

/// Serves a client to the end.
pub(crate) async fn serve(mut client: Client, counters: Counters) {
    let peer = client.peer();
    let arrival = &peer.facts;
    let route = arrival.route.clone();
    let proxied = proxied(&peer.proxy_header);
    // Dropped before the client is, since the listener counts that one: the line is written before
    // the proxy ends.
    let mut record = Record {
        peer: proxied.map_or(peer.address, |address| address.source),
        server_name: arrival.server_name.clone(),
        route: Some(route.clone()),
        version: arrival.version,
        alpn: arrival.alpn.clone(),
        since: peer.since,
        traffic: counters.traffic(),
        end: End::Stopped,
        error: None,
        counters,
    };
    let destination = match proxied {
        Some(address) => Ok(address.destination),
        None => client.get_ref().tcp().local_addr(),
    };
    let connected = match destination {
        Ok(destination) => {
            let introduction = Introduction {
                source: record.peer,
                destination,
                server_name: record.server_name.as_deref(),
                alpn: record.alpn.as_deref(),
            };
            route.backend.connect(&introduction).await
        }
        Err(error) => Err(error),
    };
    let mut backend = match connected {
        Ok(backend) => backend,
        Err(error) => {
            client.get_ref().cut();
            record.end = End::Unreachable;
            record.error = Some(error);
            return;
        }
    };
    let idle = route.backend.idle_timeout;
    record.counters.connection_opened();
    let outcome = relay(&mut client, &mut backend, idle, &record.traffic).await;
    record.counters.connection_closed();
    (record.end, record.error) = match outcome {
        Outcome::Closed => (End::Closed, None),
        Outcome::Idle => (End::Idle, None),
        Outcome::ClientFailed(error) if is_of_listener(&error) => (End::Stopped, None),
        Outcome::ClientFailed(error) => (End::Client, Some(error)),
        Outcome::BackendFailed(error) => (End::Backend, Some(error)),
    };
    if !matches!(record.end, End::Closed) {
        client.get_ref().cut();
        backend.cut();
    }
}

/// The addresses that a trusted proxy names; one that speaks for itself names none.
fn proxied(header: &Option<Arc<ProxyHeader>>) -> Option<&ProxiedAddress> {
    header.as_ref()?.proxied_address()
}

/// Whether the listener has closed the connection, at the end of the grace time.
fn is_of_listener(error: &io::Error) -> bool {
    Error::find(error).is_some_and(|error| error.kind() == ErrorKind::Ended)
}

/// Leaves a line for a client that could not be served.
pub(crate) fn report(mut failed: Failed<SocketAddr>, counters: Counters) {
    // The line has a place of its own for the address.
    let Some(address) = failed.peer.take() else {
        eprintln!("{failed}");
        return;
    };
    let proxied = proxied(&failed.proxy_header);
    let unserved = Unserved::find(&failed.error);
    let route = unserved.and_then(|unserved| unserved.route.clone());
    drop(Record {
        peer: proxied.map_or(address, |address| address.source),
        server_name: unserved.and_then(|unserved| unserved.server_name.clone()),
        end: match unserved {
            _ if is_of_listener(&failed.error) => End::Stopped,
            Some(_) if route.is_none() => End::UnknownName,
            _ => End::Handshake,
        },
        route,
        version: None,
        alpn: None,
        since: failed.since,
        traffic: counters.traffic(),
        error: Some(io::Error::other(failed)),
        counters,
    });
}
