//! One application protocol for the client and the backend.

use std::sync::Arc;

use pollback::rustls::AlertDescription;
use pollback::{Error, ErrorKind, TlsAcceptor, TlsConnector};
use pollback_testkit::certificates::Authority;

use crate::bounded::bounded;
use crate::files;
use crate::files::Files;
use crate::peers::{Backend, connect_tcp, exchange, say, setup, try_connect};
use crate::process::{LIMIT, Proxy, listen, route};

/// A proxy that supports both protocols, in front of a backend with TLS.
async fn proxy(files: &Files, backend: &Backend, additions: &str) -> Proxy {
    files.write("root.pem", Authority::shared().pem());
    let terminate = "terminate = { chain = \"certificate.pem\", key = \"key.pem\", \
                     alpn = [\"h2\", \"http/1.1\"] }";
    let tls = format!("tls = {{ name = \"localhost\", roots = \"root.pem\" }}\n{additions}");
    let route = route("one.example", backend.address, terminate, &tls);
    Proxy::start(files, &(listen("") + &route)).await
}

#[tokio::test]
async fn both_sides_use_the_common_protocol() {
    let files = files("both_sides_use_the_common_protocol", &["one.example"]);
    let backend = Backend::new().await;
    let proxy = proxy(&files, &backend, "").await;
    for (client, server, chosen) in [
        (&["h2", "http/1.1"][..], &["h2", "http/1.1"][..], Some("h2")),
        (&["h2", "http/1.1"], &["http/1.1"], Some("http/1.1")),
        (&["http/1.1", "h2"], &["http/1.1", "h2"], Some("http/1.1")),
        (&["http/1.1"], &["h2", "http/1.1"], Some("http/1.1")),
        // A backend without application protocols, and a client that does not request one.
        (&["h2", "http/1.1"], &[], None),
        (&["h2"], &[], None),
        (&[], &["h2"], None),
    ] {
        eprintln!("{client:?}, {server:?}");
        let client_setup = setup().alpn(client);
        let (client, mut server) = tokio::join!(
            try_connect(&proxy, "one.example", &client_setup),
            backend.accept_tls(setup().alpn(server).server()),
        );
        let mut client = client.expect("a client");
        exchange(&mut client, &mut server).await;
        let chosen = chosen.map(str::as_bytes);
        assert_eq!(client.get_ref().1.alpn_protocol(), chosen);
        assert_eq!(server.get_ref().1.alpn_protocol(), chosen);
    }
}

#[tokio::test]
async fn nothing_in_common_with_the_backend_is_an_alert_for_the_client() {
    let files = files("nothing_in_common_with_the_backend", &["one.example"]);
    let backend = Backend::new().await;
    let mut proxy = proxy(&files, &backend, "").await;
    let refusing = async {
        let config = setup().alpn(&["other"]).server();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        acceptor.accept(backend.accept().await).await
    };
    let client_setup = setup().alpn(&["h2", "http/1.1"]);
    let (client, server) =
        tokio::join!(try_connect(&proxy, "one.example", &client_setup), refusing);
    server.expect_err("nothing in common");
    let error = client.expect_err("nothing in common");
    let kind = Error::find(&error).map(|error| error.kind());
    let alert = ErrorKind::Alert(AlertDescription::NoApplicationProtocol);
    assert_eq!(kind, Some(alert), "{error}");
    let record = proxy.record().await;
    assert_eq!(record["end"], "backend unreachable");
    assert_eq!(record["route"], "one.example");
}

#[tokio::test]
async fn alpn_is_negotiated_with_a_backend_that_receives_the_proxy_header() {
    let files = files("a_backend_that_is_told_of_the_client", &["one.example"]);
    let backend = Backend::new().await;
    let proxy = proxy(&files, &backend, "proxy_protocol = \"v2\"").await;
    let serve = async {
        let mut tcp = backend.accept().await;
        let header = pollback::proxy_protocol::read_header(&mut tcp).await;
        let config = setup().alpn(&["http/1.1"]).server();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (header.expect("a header"), acceptor.accept(tcp).await)
    };
    let client_setup = setup().alpn(&["h2", "http/1.1"]);
    let (client, (header, server)) =
        tokio::join!(try_connect(&proxy, "one.example", &client_setup), serve);
    let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
    exchange(&mut client, &mut server).await;
    assert_eq!(header.authority(), Some("one.example"));
    assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[tokio::test]
async fn alpn_is_negotiated_for_the_client_of_a_trusted_proxy() {
    let files = files("a_backend_is_asked_for_the_client", &["one.example"]);
    files.write("root.pem", Authority::shared().pem());
    let backend = Backend::new().await;
    let terminate = "terminate = { chain = \"certificate.pem\", key = \"key.pem\", \
                     alpn = [\"h2\", \"http/1.1\"] }";
    let tls = "tls = { name = \"localhost\", roots = \"root.pem\" }\nproxy_protocol = \"v2\"";
    let configuration = listen("trusted_proxies = [\"127.0.0.0/8\"]")
        + &route("one.example", backend.address, terminate, tls);
    let proxy = Proxy::start(&files, &configuration).await;
    let connect = async {
        let mut tcp = connect_tcp(&proxy).await;
        say(&mut tcp, b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n").await;
        let config = setup().alpn(&["h2", "http/1.1"]).client();
        let name = "one.example".try_into().expect("a valid name");
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
    };
    let serve = async {
        let mut tcp = backend.accept().await;
        let header = pollback::proxy_protocol::read_header(&mut tcp).await;
        let config = setup().alpn(&["http/1.1"]).server();
        let stream = TlsAcceptor::from(Arc::new(config)).accept(tcp).await;
        (header.expect("a header"), stream)
    };
    let both = async { tokio::join!(connect, serve) };
    let (client, (header, server)) = bounded(LIMIT, "two handshakes", both).await;
    let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
    exchange(&mut client, &mut server).await;
    let address = header.proxied_address().expect("an address");
    assert_eq!(address.source.to_string(), "192.0.2.1:4711");
    assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
}
