//! Clients that connect and close, as health checks do, and how they are reported.

use super::{Door, assert_echo, echo, hello, open, pipes, reports, serve, setup, shared};
use futures_util::future::Either;
use pollback::hello::Peeked;
use pollback::listener::{Stage, TlsListener, tls_or_plain};
use pollback::{Error, ErrorKind};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn a_check_that_sends_nothing_is_distinguished_from_a_truncated_client() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let (report, mut reported) = reports();
    serve(listener.on_failure(report));
    let hello = hello(&setup);
    for sent in [0, 1, 5, 100] {
        let mut client = door.knock(7);
        client.write_all(&hello[..sent]).await.unwrap();
        drop(client);
        let failed = reported.recv().await.unwrap();
        let kind = Error::find(&failed).map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Truncated));
        assert_eq!(failed.is_probe(), sent == 0);
        let (stage, line) = match sent {
            0 => (
                Stage::FirstByte,
                "7: the peer closed the connection before it sent data",
            ),
            _ => (Stage::Hello, "7: reading the ClientHello failed: "),
        };
        assert_eq!(failed.stage, stage);
        assert!(failed.to_string().starts_with(line), "{failed}");
    }
}

/// The check of haproxy: it resets the connection.
#[tokio::test]
async fn a_check_that_resets_is_a_probe_and_its_address_is_displayed() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let (report, mut reported) = reports::<SocketAddr>();
    let mut listener = TlsListener::new(tcp, shared(setup().server())).on_failure(report);
    tokio::spawn(async move { listener.accept().await.is_some() });
    let client = TcpStream::connect(address).await.unwrap();
    client.set_zero_linger().unwrap();
    let from = client.local_addr().unwrap();
    drop(client);
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.error.kind(), io::ErrorKind::ConnectionReset);
    assert!(failed.is_probe());
    assert_eq!(
        failed.to_string(),
        format!("{from}: the peer closed the connection before it sent data")
    );
}

#[tokio::test]
async fn clients_without_tls_and_probes_are_handled_on_the_same_port() {
    let setup = setup();
    let config = Arc::new(setup.server());
    let (sender, pipes) = pipes();
    let (report, mut reported) = reports();
    let choose = move |peeked: Peeked<DuplexStream>| {
        let config = Arc::clone(&config);
        async move {
            Ok(match peeked {
                Peeked::Tls(incoming) => (Either::Left(incoming.accept(config).await?), "TLS"),
                Peeked::Plain(plain) => (Either::Right(plain), "plain"),
            })
        }
    };
    let mut listener = TlsListener::new(pipes, tls_or_plain(choose)).on_failure(report);
    let door = Door { setup, sender };
    drop(door.knock(1));
    let mut plain = door.knock(2);
    plain.write_all(b"hello").await.unwrap();
    let connection = listener.accept().await.unwrap();
    assert_eq!(
        (connection.peer().address, connection.peer().handshake_data),
        (2, "plain")
    );
    let (Either::Right(transport), _) = connection.into_parts() else {
        panic!("this is no TLS");
    };
    tokio::spawn(echo(transport));
    let mut answer = [0; 5];
    plain.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");

    let client = door.connect(3);
    let connection = listener.accept().await.unwrap();
    assert_eq!(
        (connection.peer().address, connection.peer().handshake_data),
        (3, "TLS")
    );
    let (Either::Left(stream), _) = connection.into_parts() else {
        panic!("this is TLS");
    };
    tokio::spawn(echo(stream));
    assert_echo(&mut client.await.unwrap().unwrap()).await;

    let failed = reported.recv().await.unwrap();
    assert!(failed.peer == Some(1) && failed.is_probe(), "{failed}");
}
