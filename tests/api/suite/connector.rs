//! `TlsConnector` and `TlsConnectorWithAlpn`.

use super::tls::rustls::pki_types::ServerName;
use super::tls::{TlsAcceptor, TlsConnector, TlsConnectorWithAlpn};
use super::{configs, connect_over};
use crate::support::{duplex, localhost, setups, talk, tcp};
use futures_util::FutureExt;
use pollback_testkit::configs::{Setup, Version};
use std::sync::Arc;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn connect_reaches_the_server_over_tcp_and_in_memory() {
    for setup in setups() {
        let (mut client, mut server) = connect_over(configs(&setup), tcp().await).await;
        talk(&mut client, &mut server).await;
        let (mut client, mut server) = connect_over(configs(&setup), duplex()).await;
        talk(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn connect_accepts_an_address_as_the_name() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let (near, far) = tcp().await;
    let address = ServerName::IpAddress(near.peer_addr().unwrap().ip().into());
    let connector = TlsConnector::from(client);
    let acceptor = TlsAcceptor::from(server);
    let (client, server) = tokio::join!(connector.connect(address, near), acceptor.accept(far));
    talk(&mut client.unwrap(), &mut server.unwrap()).await;
}

#[tokio::test]
async fn nothing_is_sent_before_the_future_is_polled() {
    let (client, _) = configs(&Setup::new(Version::Tls13));
    let (near, mut far) = duplex();
    let mut connect = TlsConnector::from(client).connect(localhost(), near);
    assert!(far.read_u8().now_or_never().is_none());
    assert!(
        (&mut connect).now_or_never().is_none(),
        "the server has sent nothing"
    );
    let first = far
        .read_u8()
        .now_or_never()
        .expect("the ClientHello was sent");
    assert_eq!(first.unwrap(), 22, "a handshake record");
}

#[tokio::test]
async fn connect_with_lends_the_connection_before_the_handshake() {
    for setup in setups() {
        let (client, server) = configs(&setup);
        let (near, far) = tcp().await;
        let mut seen = None;
        let connector = TlsConnector::from(client);
        let connect = connector.connect_with(localhost(), near, |connection| {
            seen = Some((connection.is_handshaking(), connection.protocol_version()));
        });
        assert_eq!(seen, Some((true, None)), "before the first poll");
        let acceptor = TlsAcceptor::from(server);
        let (client, server) = tokio::join!(connect, acceptor.accept(far));
        talk(&mut client.unwrap(), &mut server.unwrap()).await;
    }
}

#[tokio::test]
async fn the_configured_protocols_are_offered() {
    for setup in setups() {
        let setup = setup.alpn(&["h2", "http/1.1"]);
        let (client, server) = connect_over(configs(&setup), tcp().await).await;
        assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(server.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    }
}

#[tokio::test]
async fn with_alpn_replaces_the_protocols_of_one_connection() {
    for setup in setups() {
        let (client, server) = configs(&setup.alpn(&["h2", "http/1.1"]));
        let connector = TlsConnector::from(client);
        let acceptor = TlsAcceptor::from(server);

        let (near, far) = tcp().await;
        let one: TlsConnectorWithAlpn<'_> = connector.with_alpn(vec![b"http/1.1".to_vec()]);
        let (client, server) = tokio::join!(one.connect(localhost(), near), acceptor.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        assert_eq!(server.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        talk(&mut client, &mut server).await;

        let (near, far) = tcp().await;
        let (client, server) =
            tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
        client.unwrap();
        assert_eq!(
            server.unwrap().get_ref().1.alpn_protocol(),
            Some(&b"h2"[..])
        );
    }
}

#[tokio::test]
async fn with_alpn_connect_with_lends_the_connection_too() {
    for setup in setups() {
        let (client, server) = configs(&setup.alpn(&["h2", "http/1.1"]));
        let connector = TlsConnector::from(client);
        let (near, far) = tcp().await;
        let mut lent = false;
        let connect = connector
            .with_alpn(vec![b"http/1.1".to_vec()])
            .connect_with(localhost(), near, |connection| {
                lent = connection.is_handshaking()
            });
        assert!(lent);
        let acceptor = TlsAcceptor::from(server);
        let (client, server) = tokio::join!(connect, acceptor.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        talk(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn an_empty_list_of_protocols_offers_none() {
    for setup in setups() {
        let (client, server) = configs(&setup.alpn(&["h2"]));
        let connector = TlsConnector::from(client);
        let (near, far) = tcp().await;
        let connect = connector.with_alpn(Vec::new()).connect(localhost(), near);
        let acceptor = TlsAcceptor::from(server);
        let (client, server) = tokio::join!(connect, acceptor.accept(far));
        client.unwrap();
        assert_eq!(server.unwrap().get_ref().1.alpn_protocol(), None);
    }
}

#[tokio::test]
async fn clones_share_the_configuration() {
    let (config, server) = configs(&Setup::new(Version::Tls13));
    let connector = TlsConnector::from(Arc::clone(&config));
    let clone = connector.clone();
    assert!(Arc::ptr_eq(connector.config(), &config));
    assert!(Arc::ptr_eq(clone.config(), &config));
    drop(connector);

    let (near, far) = duplex();
    let acceptor = TlsAcceptor::from(server);
    let (client, server) = tokio::join!(clone.connect(localhost(), near), acceptor.accept(far));
    talk(&mut client.unwrap(), &mut server.unwrap()).await;
}
