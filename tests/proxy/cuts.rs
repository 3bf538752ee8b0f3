//! Connections that do not end properly, which must not be mistaken for a clean end.

use std::io;

use pollback_testkit::certificates::Authority;

use crate::files::Files;
use crate::peers::{Backend, connect, cut, exchange, rest, say, setup, try_connect};
use crate::process::{Proxy, listen, route};
use crate::{TERMINATE, files};

/// Limits with which an idle connection ends soon.
const SHORT: &str = "idle_timeout_ms = 50";

#[tokio::test]
async fn a_truncated_client_is_a_reset_for_the_backend() {
    let files = files("a_client_that_is_cut_off", &["one.example"]);
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let mut client = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    exchange(&mut client, &mut server).await;
    // Without a close_notify.
    drop(client.into_inner().0);
    cut(&mut server, io::ErrorKind::ConnectionReset).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "client failed");
    assert_eq!(record["bytes_to_backend"], b"a question".len());
}

#[tokio::test]
async fn data_of_a_truncated_backend_is_forwarded() {
    let files = files("a_backend_that_is_cut_off", &["one.example"]);
    files.write("root.pem", Authority::shared().pem());
    let backend = Backend::new().await;
    let tls = "tls = { name = \"localhost\", roots = \"root.pem\" }";
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, tls);
    let mut proxy = Proxy::start(&files, &configuration).await;
    let (mut client, mut server) = tokio::join!(
        connect(&proxy, "one.example"),
        backend.accept_tls(setup().server()),
    );
    exchange(&mut client, &mut server).await;
    let said = vec![7; 100_000];
    say(&mut server, &said).await;
    drop(server);
    let (read, heard) = rest(&mut client).await;
    let error = read.expect_err("no close_notify");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert!(heard == said, "{} bytes of {}", heard.len(), said.len());
    let record = proxy.record().await;
    assert_eq!(record["end"], "backend failed");
    assert_eq!(record["bytes_to_client"], b"an answer".len() + said.len());
}

#[tokio::test]
async fn a_reset_is_forwarded() {
    let files = Files::of("a_reset_is_forwarded");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("localhost", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    let setup = setup();
    let (client, mut server) = tokio::join!(
        try_connect(&proxy, "localhost", &setup),
        backend.accept_tls(setup.server()),
    );
    let mut client = client.expect("a client");
    exchange(&mut client, &mut server).await;
    let tcp = server.into_inner().0;
    tcp.set_zero_linger().expect("an option");
    drop(tcp);
    cut(&mut client, io::ErrorKind::ConnectionReset).await;
    assert_eq!(proxy.record().await["end"], "backend failed");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let files = files("an_idle_connection_is_closed", &["one.example"]);
    let backend = Backend::new().await;
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, SHORT);
    let mut proxy = Proxy::start(&files, &configuration).await;
    let mut client = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    cut(&mut client, io::ErrorKind::UnexpectedEof).await;
    cut(&mut server, io::ErrorKind::ConnectionReset).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "idle");
    assert!(record["error"].is_null(), "{record}");
}

#[tokio::test]
async fn an_idle_connection_that_is_passed_through_is_closed() {
    let files = Files::of("an_idle_connection_that_is_passed_through");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("localhost", backend.address, "", SHORT);
    let mut proxy = Proxy::start(&files, &configuration).await;
    let setup = setup();
    let (connected, server) =
        tokio::join!(try_connect(&proxy, "localhost", &setup), backend.accept(),);
    // The backend sends nothing, so there is no handshake either.
    let error = connected.expect_err("the connection is aborted");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(proxy.record().await["end"], "idle");
    drop(server);
}
