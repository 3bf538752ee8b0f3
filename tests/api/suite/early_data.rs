//! `TlsConnector::early_data`: the first writes are sent with the ClientHello.

use super::connect_over;
use super::tls::rustls::{ClientConfig, ServerConfig};
use super::tls::{TlsAcceptor, TlsConnector};
use crate::support::{carry, duplex, localhost, talk, tcp};
use futures_util::FutureExt;
use pollback_testkit::configs::{Setup, Version};
use std::io::{Read, Write};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const EARLY: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// Configurations whose client holds a ticket that allows early data.
async fn with_ticket() -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let setup = Setup::new(Version::Tls13).early_data(1024);
    let (client, server) = (Arc::new(setup.client()), Arc::new(setup.server()));
    let configs = (Arc::clone(&client), Arc::clone(&server));
    let (mut near, mut far) = connect_over(configs, duplex()).await;
    talk(&mut near, &mut far).await;
    (client, server)
}

#[tokio::test]
async fn early_data_arrives_as_early_data() {
    let (client, server) = with_ticket().await;
    let (near, far) = tcp().await;
    let connector = TlsConnector::from(client).early_data(true);
    let connect = connector.connect(localhost(), near).now_or_never();
    let mut client = connect.expect("nothing to wait for").unwrap();
    assert_eq!(client.write(EARLY).await.unwrap(), EARLY.len());
    assert!(client.get_ref().1.is_handshaking());

    let acceptor = TlsAcceptor::from(server);
    let (flushed, server) = tokio::join!(client.flush(), acceptor.accept(far));
    flushed.unwrap();
    let mut server = server.unwrap();
    let mut early = Vec::new();
    server
        .get_mut()
        .1
        .early_data()
        .unwrap()
        .read_to_end(&mut early)
        .unwrap();
    assert_eq!(early, EARLY);
    assert!(client.get_ref().1.is_early_data_accepted());
    talk(&mut client, &mut server).await;
}

#[tokio::test]
async fn rejected_early_data_is_sent_again() {
    let (client, server) = with_ticket().await;
    let mut refusing = ServerConfig::clone(&server);
    refusing.max_early_data_size = 0;
    let (near, far) = tcp().await;
    let connector = TlsConnector::from(client).early_data(true);
    let mut client = connector.connect(localhost(), near).await.unwrap();
    client.write_all(EARLY).await.unwrap();

    let acceptor = TlsAcceptor::from(Arc::new(refusing));
    let (flushed, server) = tokio::join!(client.flush(), acceptor.accept(far));
    flushed.unwrap();
    let mut server = server.unwrap();
    assert!(!client.get_ref().1.is_early_data_accepted());
    let mut received = vec![0; EARLY.len()];
    server.read_exact(&mut received).await.unwrap();
    assert_eq!(received, EARLY);
    talk(&mut client, &mut server).await;
}

#[tokio::test]
async fn early_data_beyond_the_limit_waits_for_the_handshake() {
    let (client, server) = with_ticket().await;
    let (near, far) = tcp().await;
    let connector = TlsConnector::from(client).early_data(true);
    let mut client = connector.connect(localhost(), near).await.unwrap();
    let message: Vec<u8> = (0..5000_u32).map(|i| i as u8).collect();
    let serve = async {
        let mut server = TlsAcceptor::from(server).accept(far).await.unwrap();
        let mut received = Vec::new();
        server
            .get_mut()
            .1
            .early_data()
            .unwrap()
            .read_to_end(&mut received)
            .unwrap();
        assert_eq!(received.len(), 1024, "as many as the server accepts");
        server.read_to_end(&mut received).await.unwrap();
        received
    };
    let send = async {
        client.write_all(&message).await.unwrap();
        client.shutdown().await.unwrap();
    };
    let ((), received) = tokio::join!(send, serve);
    assert!(received == message, "{} bytes", received.len());
}

#[tokio::test]
async fn without_a_ticket_connect_completes_the_handshake() {
    let setup = Setup::new(Version::Tls13).early_data(1024);
    let (near, far) = tcp().await;
    let connector = TlsConnector::from(Arc::new(setup.client())).early_data(true);
    let acceptor = TlsAcceptor::from(Arc::new(setup.server()));
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    let mut client = client.unwrap();
    assert!(!client.get_ref().1.is_handshaking());
    talk(&mut client, &mut server.unwrap()).await;
}

#[tokio::test]
async fn by_default_connect_completes_the_handshake() {
    let (client, server) = with_ticket().await;
    for connector in [
        TlsConnector::from(Arc::clone(&client)),
        TlsConnector::from(Arc::clone(&client))
            .early_data(true)
            .early_data(false),
    ] {
        let (near, far) = tcp().await;
        let mut connect = connector.connect(localhost(), near);
        assert!((&mut connect).now_or_never().is_none());
        let acceptor = TlsAcceptor::from(Arc::clone(&server));
        let (client, server) = tokio::join!(connect, acceptor.accept(far));
        let mut client = client.unwrap();
        assert!(!client.get_ref().1.is_handshaking());
        carry(&mut client, &mut server.unwrap(), b"ping").await;
    }
}

#[tokio::test]
async fn connect_with_may_write_early_data_itself() {
    let (client, server) = with_ticket().await;
    let (near, far) = tcp().await;
    let connector = TlsConnector::from(client);
    let connect = connector.connect_with(localhost(), near, |connection| {
        connection.early_data().unwrap().write_all(EARLY).unwrap();
    });
    let acceptor = TlsAcceptor::from(server);
    let (client, server) = tokio::join!(connect, acceptor.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    let mut early = Vec::new();
    server
        .get_mut()
        .1
        .early_data()
        .unwrap()
        .read_to_end(&mut early)
        .unwrap();
    assert_eq!(early, EARLY);
    talk(&mut client, &mut server).await;
}
