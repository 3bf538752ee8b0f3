//! The reaction of the proxy to SIGHUP, SIGTERM and SIGINT.

use std::sync::Arc;

use pollback::TlsConnector;
use pollback::rustls::HandshakeKind;
use pollback_testkit::certificates::Authority;
use tokio::net::TcpListener;
use tokio::task::yield_now;

use crate::bounded::bounded;
use crate::counters::value;
use crate::files::Files;
use crate::peers::{Backend, connect, connect_tcp, cut, ended, exchange, hear, say, setup, shut};
use crate::process::{LIMIT, Proxy, listen, route};
use crate::{TERMINATE, files};

/// A proxy with one route, to a backend.
async fn proxy(files: &Files, additions: &str) -> (Proxy, Backend) {
    let backend = Backend::new().await;
    let route = route("one.example", backend.address, TERMINATE, "");
    let proxy = Proxy::start(files, &(listen(additions) + &route)).await;
    (proxy, backend)
}

#[tokio::test]
async fn a_reload_applies_to_new_connections() {
    let files = files("a_reload_applies_to_new_connections", &["one.example"]);
    let (mut proxy, old) = proxy(&files, "").await;
    let mut client = connect(&proxy, "one.example").await;
    let mut server = old.accept().await;
    exchange(&mut client, &mut server).await;

    // Another certificate in the same files, another backend, and one more route.
    files.identity(&Authority::shared().server_for(&["one.example", "two.example"]));
    let new = Backend::new().await;
    let two = route("two.example", new.address, TERMINATE, "");
    let routes = route("one.example", new.address, TERMINATE, "") + &two;
    files.write("proxy.toml", listen("") + &routes);
    proxy.signal("HUP").await;
    assert_eq!(proxy.said().await, "reloaded");
    assert_eq!(
        value(&proxy, "proxy_reloads_total{result=\"done\"}").await,
        Some(1)
    );
    for name in ["one.example", "two.example"] {
        let mut client = connect(&proxy, name).await;
        exchange(&mut client, &mut new.accept().await).await;
    }

    exchange(&mut client, &mut server).await;
    shut(&mut client).await;
    ended(&mut server).await;
}

#[tokio::test]
async fn a_broken_reload_changes_nothing() {
    let files = files("a_broken_reload_changes_nothing", &["one.example"]);
    let (mut proxy, backend) = proxy(&files, "").await;
    let right = listen("") + &route("one.example", backend.address, TERMINATE, "");
    let mut client = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    let broken_certificate = || files.write("certificate.pem", "no certificate");
    for (configuration, place) in [
        (right.replace("names", "nmes"), "6:1: unknown field `nmes`"),
        (
            right.replace(":0\"\ncounters", ":1\"\ncounters"),
            "1:1: `listen` cannot be changed",
        ),
        (
            right.replace("backend = \"one", "backend = \"two"),
            "7:11: no such backend",
        ),
        (right.clone(), "8:23: certificate.pem: "),
    ] {
        if configuration == right {
            broken_certificate();
        }
        files.write("proxy.toml", configuration);
        proxy.signal("HUP").await;
        let said = proxy.said().await;
        let expected = format!("still using the old configuration: proxy.toml:{place}");
        assert!(said.starts_with(&expected), "{said}");
        // The affected line.
        assert!(proxy.said().await.contains(" | "));
        exchange(&mut client, &mut server).await;
        let mut client = connect(&proxy, "one.example").await;
        exchange(&mut client, &mut backend.accept().await).await;
    }
    assert_eq!(
        value(&proxy, "proxy_reloads_total{result=\"done\"}").await,
        Some(0)
    );
    assert_eq!(
        value(&proxy, "proxy_reloads_total{result=\"refused\"}").await,
        Some(4)
    );
}

#[tokio::test]
async fn a_ticket_is_valid_after_a_reload() {
    let files = files("a_ticket_is_valid_after_a_reload", &["one.example"]);
    let (mut proxy, backend) = proxy(&files, "").await;
    let connector = TlsConnector::from(Arc::new(setup().client()));
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let name = "one.example".try_into().expect("a valid name");
        let connect = connector.connect(name, connect_tcp(&proxy).await);
        let client = bounded(LIMIT, "a handshake", connect).await;
        let mut client = client.expect("a client");
        exchange(&mut client, &mut backend.accept().await).await;
        assert_eq!(client.get_ref().1.handshake_kind(), Some(kind));
        proxy.signal("HUP").await;
        assert_eq!(proxy.said().await, "reloaded");
    }
}

/// Waits until the proxy no longer accepts connections: its address can then be used again.
async fn closed(proxy: &Proxy) {
    let closed = async {
        while TcpListener::bind(proxy.address).await.is_err() {
            yield_now().await;
        }
    };
    bounded(LIMIT, "closing the listening socket", closed).await;
}

#[tokio::test]
async fn connections_have_time_to_finish() {
    for signal in ["TERM", "INT"] {
        let files = files("connections_have_time_to_finish", &["one.example"]);
        let (mut proxy, backend) = proxy(&files, "grace_ms = 60000").await;
        let mut client = connect(&proxy, "one.example").await;
        let mut server = backend.accept().await;
        proxy.signal(signal).await;
        closed(&proxy).await;
        exchange(&mut client, &mut server).await;
        shut(&mut client).await;
        ended(&mut server).await;
        shut(&mut server).await;
        ended(&mut client).await;
        assert_eq!(proxy.record().await["end"], "closed");
        assert_eq!(proxy.finish().await, Some(0));
    }
}

#[tokio::test]
async fn remaining_connections_are_closed_after_that_time() {
    let files = files(
        "remaining_connections_are_closed_after_that_time",
        &["one.example"],
    );
    let (mut proxy, backend) = proxy(&files, "grace_ms = 50").await;
    let mut client = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    exchange(&mut client, &mut server).await;
    proxy.signal("TERM").await;
    // With a close_notify to the client; the backend must not mistake it for the end of a request.
    ended(&mut client).await;
    cut(&mut server, std::io::ErrorKind::ConnectionReset).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "stopped");
    assert_eq!(record["bytes_to_backend"], b"a question".len());
    assert_eq!(proxy.said().await, "1 connections were aborted");
    assert_eq!(proxy.finish().await, Some(1));
}

#[tokio::test]
async fn a_second_signal_ends_the_wait() {
    let files = files("a_second_signal_ends_the_wait", &["one.example"]);
    let (mut proxy, backend) = proxy(&files, "grace_ms = 4000000000").await;
    let mut client = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    proxy.signal("INT").await;
    closed(&proxy).await;
    say(&mut client, b"still there").await;
    hear(&mut server, b"still there").await;
    proxy.signal("INT").await;
    ended(&mut client).await;
    assert_eq!(proxy.finish().await, Some(1));
}
