//! TLS that is passed through.

use std::sync::Arc;

use pollback::rustls::{ClientConnection, ProtocolVersion};

use crate::files::Files;
use crate::peers::{Backend, connect_tcp, ended, exchange, hear, say, setup, shut, try_connect};
use crate::process::{Proxy, listen, route};

/// The first bytes of a client that asks for `localhost`.
fn hello() -> Vec<u8> {
    let name = "localhost".try_into().expect("a valid name");
    let mut client = ClientConnection::new(Arc::new(setup().client()), name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("memory takes all");
    hello
}

#[tokio::test]
async fn every_byte_arrives_as_it_was_sent() {
    let files = Files::of("every_byte_arrives_as_it_was_sent");
    let backend = Backend::new().await;
    let configuration = listen("") + &route("localhost", backend.address, "", "");
    let mut proxy = Proxy::start(&files, &configuration).await;
    // Nothing but the hello is TLS, so whoever looked into the rest could only fail.
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
