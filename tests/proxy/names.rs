//! Routing of clients.

use pollback::rustls::{AlertDescription, ClientConfig};
use pollback::{Error, ErrorKind, TlsConnector};
use pollback_testkit::certificates::Authority;
use std::sync::Arc;

use crate::bounded::bounded;
use crate::files::Files;
use crate::peers::{Backend, connect_tcp, ended, exchange, rest, say, setup, try_connect};
use crate::process::{LIMIT, Proxy, listen, route};
use crate::{TERMINATE, files};

#[tokio::test]
async fn the_most_specific_route_is_used() {
    let names = [
        "one.example",
        "*.one.example",
        "*.far.one.example",
        "far.one.example",
    ];
    let files = files("the_most_specific_route_is_used", &names);
    let mut configuration = listen("");
    let mut backends = Vec::new();
    for name in ["one.example", "*.one.example", "far.one.example", "*"] {
        let backend = Backend::new().await;
        configuration += &route(name, backend.address, TERMINATE, "");
        backends.push((name, backend));
    }
    let mut proxy = Proxy::start(&files, &configuration).await;
    for (name, expected) in [
        ("one.example", "one.example"),
        ("ONE.example", "one.example"),
        ("any.one.example", "*.one.example"),
        ("far.one.example", "far.one.example"),
        // A wildcard matches one label.
        ("very.far.one.example", "*"),
    ] {
        let client = try_connect(&proxy, name, &setup()).await;
        let mut client = client.unwrap_or_else(|error| panic!("{name}: {error}"));
        let backend = backends.iter().find(|(route, _)| *route == expected);
        let (_, backend) = backend.expect("a backend for each route");
        exchange(&mut client, &mut backend.accept().await).await;
        drop(client);
        let record = proxy.record().await;
        assert_eq!(record["route"], expected, "{record}");
        assert_eq!(record["backend"], expected, "{record}");
        assert_eq!(record["server_name"], name.to_ascii_lowercase(), "{record}");
    }
}

#[tokio::test]
async fn a_client_without_a_name_uses_the_default_route() {
    let files = files("a_client_without_a_name", &["127.0.0.1"]);
    let backend = Backend::new().await;
    let configuration = listen("") + &route("*", backend.address, TERMINATE, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let client = try_connect(&proxy, "127.0.0.1", &setup()).await;
    let mut client = client.expect("a certificate for the address");
    exchange(&mut client, &mut backend.accept().await).await;
    drop(client);
    let record = proxy.record().await;
    assert_eq!(record["route"], "*");
    assert!(record["server_name"].is_null(), "{record}");
}

#[tokio::test]
async fn each_route_has_its_certificate() {
    let files = files("each_route_has_its_certificate", &["one.example"]);
    let other = Authority::new();
    let identity = other.server_for(&["two.example"]);
    files.write("two.pem", identity.certificate_pem());
    files.write("two.key", identity.key_pem());
    let backend = Backend::new().await;
    let two = "terminate = { chain = \"two.pem\", key = \"two.key\" }";
    let configuration = listen("")
        + &route("one.example", backend.address, TERMINATE, "")
        + &route("two.example", backend.address, two, "");
    let proxy = Proxy::start(&files, &configuration).await;
    let connect = async |name: &'static str, config: ClientConfig| {
        let connector = TlsConnector::from(Arc::new(config));
        let name = name.try_into().expect("a valid name");
        let connect = connector.connect(name, connect_tcp(&proxy).await);
        bounded(LIMIT, "a handshake", connect).await
    };
    let client = connect("one.example", setup().client()).await;
    exchange(&mut client.expect("the first"), &mut backend.accept().await).await;
    let client = connect("two.example", setup().client_trusting(&other)).await;
    exchange(
        &mut client.expect("the second"),
        &mut backend.accept().await,
    )
    .await;
    assert!(connect("two.example", setup().client()).await.is_err());
}

#[tokio::test]
async fn an_unknown_name_is_refused_with_an_alert() {
    let files = Files::of("an_unknown_name_is_refused_with_an_alert");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let refused = try_connect(&proxy, "two.example", &setup()).await;
    let error = refused.expect_err("no route");
    let kind = Error::find(&error).map(|found| found.kind());
    let alert = ErrorKind::Alert(AlertDescription::UnrecognisedName);
    assert_eq!(kind, Some(alert), "{error}");
    let record = proxy.record().await;
    assert_eq!(record["end"], "unknown name");
    assert_eq!(record["server_name"], "two.example");
    assert!(record["route"].is_null(), "{record}");
}

#[tokio::test]
async fn a_client_without_a_handshake_is_disconnected() {
    let files = Files::of("a_client_without_a_handshake_is_disconnected");
    let backend = Backend::new().await;
    let configuration =
        listen("handshake_timeout_ms = 50") + &route("one.example", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let mut client = connect_tcp(&proxy).await;
    ended(&mut client).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "handshake failed");
    let peer = client.local_addr().expect("an address");
    assert_eq!(record["peer"], peer.to_string());
    let error = "waiting for the first byte failed: the handshake timed out";
    assert_eq!(record["error"], error);
}

#[tokio::test]
async fn other_protocols_receive_an_alert() {
    let files = Files::of("other_protocols_receive_an_alert");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("*", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let mut client = connect_tcp(&proxy).await;
    say(&mut client, b"GET / HTTP/1.1\r\n\r\n").await;
    let (_, answer) = rest(&mut client).await;
    // A fatal alert.
    assert_eq!(answer[..6], [21, 3, 3, 0, 2, 2]);
    let record = proxy.record().await;
    assert_eq!(record["end"], "handshake failed");
    let error = record["error"].as_str().expect("a reason");
    assert!(
        error.starts_with("reading the ClientHello failed: "),
        "{error}"
    );
}

#[tokio::test]
async fn clients_beyond_the_limit_are_refused_or_wait() {
    let files = Files::of("clients_beyond_the_limit_are_refused_or_wait");
    let backend = Backend::new().await;
    let route = route("localhost", backend.address, "", "");
    let setup = setup();

    let limit = "handshake_limit = 1\nwhen_full = \"refuse\"";
    let mut proxy = Proxy::start(&files, &(listen(limit) + &route)).await;
    let silent = connect_tcp(&proxy).await;
    let refused = try_connect(&proxy, "localhost", &setup).await;
    assert!(refused.is_err(), "the limit is reached");
    let record = proxy.record().await;
    let error = "accepting a connection failed: too many handshakes are in flight";
    assert_eq!(record["error"], error);
    drop(silent);

    let mut proxy = Proxy::start(&files, &(listen("handshake_limit = 1") + &route)).await;
    let silent = connect_tcp(&proxy).await;
    let (client, server) = tokio::join!(try_connect(&proxy, "localhost", &setup), async {
        drop(silent);
        backend.accept_tls(setup.server()).await
    });
    exchange(&mut client.expect("its turn has come"), &mut { server }).await;
    assert_eq!(proxy.record().await["end"], "handshake failed");
}
