//! TLS termination.

use std::io;

use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};

use crate::peers::{Backend, connect, cut, ended, exchange, setup, shut, try_connect};
use crate::process::{Proxy, listen, route};
use crate::{TERMINATE, files};

const ALPN: &str = "terminate = { chain = \"certificate.pem\", key = \"key.pem\", \
                    alpn = [\"h2\", \"http/1.1\"] }";

#[tokio::test]
async fn a_backend_without_tls_receives_the_plaintext() {
    let files = files(
        "a_backend_without_tls_receives_the_plaintext",
        &["one.example"],
    );
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, ALPN, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    for (version, name) in [(Version::Tls12, "TLSv1_2"), (Version::Tls13, "TLSv1_3")] {
        // In the proxy's order of preference.
        let setup = Setup::new(version).alpn(&["http/1.1", "h2"]);
        let client = try_connect(&proxy, "one.example", &setup).await;
        let mut client = client.expect("the proxy has the right certificate");
        let mut server = backend.accept().await;
        exchange(&mut client, &mut server).await;
        shut(&mut client).await;
        ended(&mut server).await;
        shut(&mut server).await;
        ended(&mut client).await;
        let record = proxy.record().await;
        assert_eq!(record["tls_version"], name);
        assert_eq!(record["alpn"], "h2");
        assert_eq!(record["bytes_to_backend"], b"a question".len());
        assert_eq!(record["bytes_to_client"], b"an answer".len());
        assert_eq!(record["end"], "closed");
    }
}

#[tokio::test]
async fn a_backend_with_tls_is_verified_and_uses_the_protocol() {
    let files = files("a_backend_with_tls_is_verified", &["one.example"]);
    let inside = Authority::new();
    files.write("inside.pem", inside.pem());
    let backend = Backend::new().await;
    let tls = "tls = { name = \"inside.example\", roots = \"inside.pem\" }";
    let configuration = listen("") + &route("one.example", backend.address, ALPN, tls);
    let mut proxy = Proxy::start(&files, &configuration).await;
    let server = setup().alpn(&["http/1.1", "h2"]);

    let identity = inside.server_for(&["inside.example"]);
    let setup = setup().alpn(&["h2"]);
    let (client, mut server_stream) = tokio::join!(
        try_connect(&proxy, "one.example", &setup),
        backend.accept_tls(server.server_with(&identity)),
    );
    exchange(&mut client.expect("a client"), &mut server_stream).await;
    let (_, connection) = server_stream.get_ref();
    assert_eq!(connection.server_name(), Some("inside.example"));
    assert_eq!(connection.alpn_protocol(), Some(&b"h2"[..]));
    // The client is gone without a close_notify.
    cut(&mut server_stream, io::ErrorKind::UnexpectedEof).await;
    assert_eq!(proxy.record().await["end"], "client failed");

    // It has a certificate of the right authority, but for another name.
    let config = server.server_with(&inside.server_for(&["other.example"]));
    let refusing = async {
        let acceptor = pollback::TlsAcceptor::from(std::sync::Arc::new(config));
        acceptor.accept(backend.accept().await).await
    };
    let (mut client, refused) = tokio::join!(connect(&proxy, "one.example"), refusing);
    assert!(refused.is_err(), "an alert of the proxy");
    cut(&mut client, io::ErrorKind::UnexpectedEof).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "backend unreachable");
    let error = record["error"].as_str().expect("a reason");
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn an_unreachable_backend_is_not_a_clean_end() {
    let files = files("a_backend_that_is_not_there", &["one.example"]);
    let nobody = "127.0.0.1:1".parse().expect("an address");
    let configuration = listen("") + &route("one.example", nobody, TERMINATE, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let mut client = connect(&proxy, "one.example").await;
    cut(&mut client, io::ErrorKind::UnexpectedEof).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "backend unreachable");
    assert_eq!(record["backend"], "one.example");
    assert_eq!(record["bytes_to_client"], 0);
}

#[tokio::test]
async fn a_backend_without_a_handshake_times_out() {
    let files = files("a_backend_that_makes_no_handshake", &["one.example"]);
    files.write("inside.pem", Authority::shared().pem());
    let silent = Backend::new().await;
    let tls = "tls = { roots = \"inside.pem\" }\nconnect_timeout_ms = 50";
    let configuration = listen("") + &route("one.example", silent.address, TERMINATE, tls);
    let mut proxy = Proxy::start(&files, &configuration).await;
    let mut client = connect(&proxy, "one.example").await;
    let _server = silent.accept().await;
    cut(&mut client, io::ErrorKind::UnexpectedEof).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "backend unreachable");
    assert_eq!(record["error"], "connecting to the backend took too long");
}
