//! TLS passthrough.

use std::sync::Arc;

use pollback::rustls::{ClientConnection, ProtocolVersion};
use pollback_testkit::hellos;

use crate::files::Files;
use crate::peers::{Backend, connect_tcp, ended, exchange, hear, say, setup, shut, try_connect};
use crate::process::{Proxy, listen, route};

/// The first bytes of a client that requests `localhost`.
fn hello() -> Vec<u8> {
    let name = "localhost".try_into().expect("a valid name");
    let mut client = ClientConnection::new(Arc::new(setup().client()), name).expect("a client");
    let mut hello = Vec::new();
    client
        .write_tls(&mut hello)
        .expect("memory accepts everything");
    hello
}

/// Even hellos that rustls never accepts are passed on, for the backend to decide.
#[tokio::test]
async fn old_clients_and_odd_names_are_passed_on_by_their_name() {
    let files = Files::of("old_clients_and_odd_names_are_passed_on");
    let (named, other) = (Backend::new().await, Backend::new().await);
    let configuration = listen("")
        + &route("old.example", named.address, "", "")
        + &route("*", other.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    for (message, backend, name) in [
        (hellos::old(0x0301, b"old.example"), &named, "old.example"),
        (hellos::modern(b"old.example"), &named, "old.example"),
        (hellos::modern(b"old.example."), &named, "old.example."),
        (hellos::modern(b"[a.b]"), &other, "[a.b]"),
        (hellos::modern(b"192.0.2.1"), &other, "192.0.2.1"),
        (hellos::of_length(65_536), &other, "long.example"),
    ] {
        let hello = hellos::records(&message, 1000);
        let mut client = connect_tcp(&proxy).await;
        say(&mut client, &hello).await;
        let mut server = backend.accept().await;
        hear(&mut server, &hello).await;
        exchange(&mut client, &mut server).await;
        shut(&mut client).await;
        shut(&mut server).await;
        ended(&mut client).await;
        let record = proxy.record().await;
        assert_eq!(record["server_name"], name, "{record}");
        assert_eq!(record["end"], "closed", "{record}");
    }
}

#[tokio::test]
async fn every_byte_arrives_as_it_was_sent() {
    let files = Files::of("every_byte_arrives_as_it_was_sent");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("localhost", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    // Only the hello is TLS, so parsing the rest would fail.
    let there: Vec<_> = (0..300_000u32).map(|byte| (byte % 251) as u8).collect();
    let back: Vec<_> = (0..200_000u32).map(|byte| (byte % 241) as u8).collect();
    let hello = hello();
    for size in [1, hello.len()] {
        let mut client = connect_tcp(&proxy).await;
        client.set_nodelay(true).expect("an option");
        for part in hello.chunks(size) {
            say(&mut client, part).await;
        }
        let mut server = backend.accept().await;
        hear(&mut server, &hello).await;
        let (mut client_reader, mut client_writer) = client.split();
        let (mut server_reader, mut server_writer) = server.split();
        tokio::join!(
            say(&mut client_writer, &there),
            hear(&mut server_reader, &there),
            say(&mut server_writer, &back),
            hear(&mut client_reader, &back),
        );
        shut(&mut client_writer).await;
        ended(&mut server_reader).await;
        shut(&mut server_writer).await;
        ended(&mut client_reader).await;

        let record = proxy.record().await;
        assert_eq!(record["peer"], client.local_addr().unwrap().to_string());
        assert_eq!(record["server_name"], "localhost");
        assert_eq!(record["route"], "localhost");
        assert_eq!(record["backend"], "localhost");
        assert_eq!(record["bytes_to_backend"], hello.len() + there.len());
        assert_eq!(record["bytes_to_client"], back.len());
        assert_eq!(record["end"], "closed");
        assert!(record["duration_ms"].is_u64(), "{record}");
        for unknown in ["tls_version", "alpn", "error"] {
            assert!(record[unknown].is_null(), "{record}");
        }
    }
}

#[tokio::test]
async fn tls_is_between_client_and_backend() {
    let files = Files::of("tls_is_between_client_and_backend");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("localhost", backend.address, "", "");
    let proxy = Proxy::start(&files, &configuration).await;
    let setup = setup().alpn(&["made up here"]);
    let (client, mut server) = tokio::join!(
        try_connect(&proxy, "localhost", &setup),
        backend.accept_tls(setup.server()),
    );
    let mut client = client.expect("the backend has the right certificate");
    exchange(&mut client, &mut server).await;
    let (_, connection) = client.get_ref();
    assert_eq!(connection.alpn_protocol(), Some(&b"made up here"[..]));
    assert_eq!(
        connection.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
}
