//! Limits on the number of connections, their bytes and their duration.

use std::io;
use std::pin::{Pin, pin};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::TERMINATE;
use crate::bounded::bounded;
use crate::files;
use crate::peers::{
    Backend, Client, connect, cut, ended, exchange, rest, say, setup, shut, try_connect,
};
use crate::process::{LIMIT, Proxy, listen, route};

#[tokio::test]
async fn the_connections_to_a_backend_are_limited() {
    let files = files("a_backend_has_no_more_connections", &["one.example"]);
    let backend = Backend::new().await;
    let limits = "connection_limit = 1\nconnect_timeout_ms = 50";
    let configuration = listen("") + &route("one.example", backend.address, TERMINATE, limits);
    let mut proxy = Proxy::start(&files, &configuration).await;
    let mut first = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    exchange(&mut first, &mut server).await;

    let mut second = connect(&proxy, "one.example").await;
    cut(&mut second, io::ErrorKind::UnexpectedEof).await;
    let record = proxy.record().await;
    assert_eq!(record["end"], "backend unreachable");
    let error = record["error"].as_str().expect("a reason");
    assert!(error.contains("at its connection limit"), "{error}");

    // The count survives a reload, and a connection that has ended makes room.
    #[cfg(unix)]
    {
        proxy.signal("HUP").await;
        assert_eq!(proxy.said().await, "reloaded");
        let mut third = connect(&proxy, "one.example").await;
        cut(&mut third, io::ErrorKind::UnexpectedEof).await;
        assert_eq!(proxy.record().await["end"], "backend unreachable");
    }
    shut(&mut first).await;
    ended(&mut server).await;
    shut(&mut server).await;
    ended(&mut first).await;
    assert_eq!(proxy.record().await["end"], "closed");
    let mut fourth = connect(&proxy, "one.example").await;
    exchange(&mut fourth, &mut backend.accept().await).await;
}

#[tokio::test]
async fn the_number_of_clients_is_limited() {
    let files = files("no_more_clients_are_served", &["one.example"]);
    let backend = Backend::new().await;
    let configuration =
        listen("connection_limit = 1") + &route("one.example", backend.address, TERMINATE, "");
    let proxy = Proxy::start(&files, &configuration).await;
    let mut first = connect(&proxy, "one.example").await;
    let mut server = backend.accept().await;
    exchange(&mut first, &mut server).await;

    // It waits in the kernel's queue: nothing is sent to it, and no backend is contacted.
    let setup = setup();
    let mut second = pin!(try_connect(&proxy, "one.example", &setup));
    exchange_while_pending(&mut first, &mut server, second.as_mut()).await;
    shut(&mut first).await;
    ended(&mut server).await;
    shut(&mut server).await;
    ended(&mut first).await;
    let mut second = second.await.expect("there is room");
    exchange(&mut second, &mut backend.accept().await).await;
}

/// Performs many exchanges, which take the proxy longer than a handshake would.
async fn exchange_while_pending(
    client: &mut Client,
    server: &mut TcpStream,
    other: Pin<&mut impl Future<Output = io::Result<Client>>>,
) {
    let exchanges = async {
        for _ in 0..100 {
            exchange(client, server).await;
        }
    };
    tokio::select! {
        biased;
        () = exchanges => {}
        _ = other => panic!("served beyond the limit"),
    }
}

#[tokio::test]
async fn the_time_and_the_bytes_of_a_connection_are_limited() {
    for limit in ["time_limit_ms = 50", "byte_limit = 100000"] {
        let files = files("a_connection_lasts_no_longer", &["one.example"]);
        let backend = Backend::new().await;
        let configuration = listen("") + &route("one.example", backend.address, TERMINATE, limit);
        let mut proxy = Proxy::start(&files, &configuration).await;
        let client = connect(&proxy, "one.example").await;
        let (mut reader, mut writer) = tokio::io::split(client);
        let mut server = backend.accept().await;
        let flood =
            tokio::spawn(async move { while writer.write_all(&[7; 10_000]).await.is_ok() {} });
        let (read, heard) = rest(&mut server).await;
        assert_eq!(
            read.expect_err("an abort").kind(),
            io::ErrorKind::ConnectionReset
        );
        let (read, _) = rest(&mut reader).await;
        read.expect_err("an abort");
        flood.await.expect("no panic");
        let record = proxy.record().await;
        assert_eq!(record["end"], "limit reached");
        if limit.starts_with("byte") {
            assert_eq!(record["bytes_to_backend"], 100_000);
            assert!(heard.len() <= 100_000);
        }
    }
}

#[tokio::test]
async fn an_unfinished_request_for_the_counters_is_closed() {
    let files = files("a_request_for_the_counters", &["one.example"]);
    let backend = Backend::new().await;
    let configuration =
        listen("counters_timeout_ms = 50") + &route("one.example", backend.address, TERMINATE, "");
    let proxy = Proxy::start(&files, &configuration).await;
    for request in ["", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: pro"] {
        let mut tcp = TcpStream::connect(proxy.counters)
            .await
            .expect("a connection");
        say(&mut tcp, request.as_bytes()).await;
        let mut response = Vec::new();
        let closed = tcp.read_to_end(&mut response);
        // A reset is also accepted.
        let _ = bounded(LIMIT, "closing a connection", closed).await;
        assert_eq!(String::from_utf8_lossy(&response), "");
    }
}
