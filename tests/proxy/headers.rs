//! The PROXY protocol, to backends and from trusted proxies.

use pollback::hello;
use pollback::proxy_protocol::{ProxiedAddress, ProxyHeader, read_header};
use tokio::net::TcpStream;

use crate::bounded::bounded;
use crate::files::Files;
use crate::peers::{Backend, connect_tcp, exchange, hear, say, setup, try_connect};
use crate::process::{LIMIT, Proxy, listen, route};
use crate::{TERMINATE, files};

/// Reads a header, and nothing after it.
async fn header(server: &mut TcpStream) -> ProxyHeader {
    let header = bounded(LIMIT, "reading a header", read_header(server));
    header.await.expect("a header")
}

#[tokio::test]
async fn a_header_of_version_1_precedes_the_plaintext() {
    let files = files(
        "a_header_of_version_1_precedes_the_plaintext",
        &["one.example"],
    );
    let backend = Backend::new().await;
    let v1 = "proxy_protocol = \"v1\"";
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, v1);
    let proxy = Proxy::start(&files, &configuration).await;
    let client = try_connect(&proxy, "one.example", &setup()).await;
    let mut client = client.expect("a client");
    let mut server = backend.accept().await;
    let from = client.get_ref().0.local_addr().unwrap().port();
    let to = proxy.address.port();
    let header = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from} {to}\r\n");
    hear(&mut server, header.as_bytes()).await;
    exchange(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_header_of_version_2_contains_more() {
    let files = files("a_header_of_version_2_contains_more", &["one.example"]);
    let backend = Backend::new().await;
    let route = route(
        "one.example",
        backend.address,
        "terminate = { chain = \"certificate.pem\", key = \"key.pem\", alpn = [\"h2\"] }",
        "proxy_protocol = \"v2\"",
    );
    let proxy = Proxy::start(&files, &(listen("") + &route)).await;
    let setup = setup().alpn(&["h2"]);
    let client = try_connect(&proxy, "one.example", &setup).await;
    let mut client = client.expect("a client");
    let mut server = backend.accept().await;
    let header = header(&mut server).await;
    let source = client.get_ref().0.local_addr().unwrap();
    let addresses = ProxiedAddress::stream(source, proxy.address);
    assert_eq!(header.proxied_address(), Some(&addresses));
    assert_eq!(header.authority(), Some("one.example"));
    assert_eq!(header.alpn(), Some(&b"h2"[..]));
    exchange(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_header_precedes_passed_through_bytes() {
    let files = Files::of("a_header_precedes_passed_through_bytes");
    let backend = Backend::new().await;
    let v2 = "proxy_protocol = \"v2\"";
    let configuration = listen("") + &route("localhost", backend.address, "", v2);
    let proxy = Proxy::start(&files, &configuration).await;
    let setup = setup();
    let serve = async {
        let mut server = backend.accept().await;
        let header = header(&mut server).await;
        assert_eq!(header.authority(), Some("localhost"));
        assert_eq!(header.alpn(), None);
        let incoming = hello::peek(server).await.expect("the hello itself");
        incoming.accept(setup.server().into()).await
    };
    let (client, server) = tokio::join!(
        try_connect(&proxy, "localhost", &setup),
        bounded(LIMIT, "a handshake", serve),
    );
    exchange(
        &mut client.expect("a client"),
        &mut server.expect("a server"),
    )
    .await;
}

#[tokio::test]
async fn the_header_of_a_trusted_proxy_is_used() {
    let files = Files::of("the_header_of_a_trusted_proxy_is_used");
    let backend = Backend::new().await;
    let configuration = listen("trusted_proxies = [\"127.0.0.0/8\"]")
        + &route("localhost", backend.address, "", "proxy_protocol = \"v1\"");
    let mut proxy = Proxy::start(&files, &configuration).await;

    let line = b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n";
    let mut client = connect_tcp(&proxy).await;
    say(&mut client, line).await;
    let name = "localhost".try_into().expect("a valid name");
    let connector = pollback::TlsConnector::from(std::sync::Arc::new(setup().client()));
    let serve = async {
        let mut server = backend.accept().await;
        hear(&mut server, line).await;
        let acceptor = pollback::TlsAcceptor::from(std::sync::Arc::new(setup().server()));
        acceptor.accept(server).await
    };
    let (client, server) = tokio::join!(
        bounded(LIMIT, "a handshake", connector.connect(name, client)),
        bounded(LIMIT, "a handshake", serve),
    );
    exchange(
        &mut client.expect("a client"),
        &mut server.expect("a server"),
    )
    .await;
    assert_eq!(proxy.record().await["peer"], "[2001:db8::1]:4711");

    // Also if the handshake fails.
    let mut client = connect_tcp(&proxy).await;
    say(&mut client, line).await;
    drop(client);
    let record = proxy.record().await;
    assert_eq!(record["peer"], "[2001:db8::1]:4711");
    assert_eq!(record["end"], "handshake failed");

    // A trusted proxy has to send a header.
    let refused = try_connect(&proxy, "localhost", &setup()).await;
    assert!(refused.is_err(), "a hello is not a header");
    let record = proxy.record().await;
    assert_eq!(record["end"], "handshake failed");
    let error = record["error"].as_str().expect("a reason");
    assert!(error.contains("PROXY header"), "{error}");
}
