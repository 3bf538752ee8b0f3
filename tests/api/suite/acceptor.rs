//! `TlsAcceptor`.

use super::configs;
use super::tls::{TlsAcceptor, TlsConnector};
use crate::support::{duplex, localhost, setups, talk, tcp};
use pollback_testkit::configs::{Setup, Version};
use std::sync::Arc;

#[tokio::test]
async fn accept_serves_one_client_after_another() {
    for setup in setups() {
        let (client, server) = configs(&setup);
        let connector = TlsConnector::from(client);
        let acceptor = TlsAcceptor::from(server);
        for _ in 0..2 {
            let (near, far) = tcp().await;
            let (client, server) =
                tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
            talk(&mut client.unwrap(), &mut server.unwrap()).await;
        }
    }
}

#[tokio::test]
async fn accept_with_lends_the_connection_before_the_handshake() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let connector = TlsConnector::from(client);
    let acceptor = TlsAcceptor::from(server);

    // Data that the closure stores with the session is returned when the session is resumed.
    let (near, far) = tcp().await;
    let mut lent = false;
    let accept = acceptor.accept_with(far, |connection| {
        connection.set_resumption_data(b"first visit");
        lent = connection.is_handshaking();
    });
    assert!(lent, "before the first poll");
    let (client, server) = tokio::join!(connector.connect(localhost(), near), accept);
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    assert_eq!(server.get_ref().1.received_resumption_data(), None);
    talk(&mut client, &mut server).await;

    let (near, far) = tcp().await;
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    client.unwrap();
    let server = server.unwrap();
    let remembered = server.get_ref().1.received_resumption_data();
    assert_eq!(remembered, Some(&b"first visit"[..]));
}

#[tokio::test]
async fn clones_share_the_configuration() {
    let (client, config) = configs(&Setup::new(Version::Tls13));
    let acceptor = TlsAcceptor::from(Arc::clone(&config));
    let clone = acceptor.clone();
    assert!(Arc::ptr_eq(acceptor.config(), &config));
    assert!(Arc::ptr_eq(clone.config(), &config));
    drop(acceptor);

    let (near, far) = duplex();
    let connector = TlsConnector::from(client);
    let (client, server) = tokio::join!(connector.connect(localhost(), near), clone.accept(far));
    talk(&mut client.unwrap(), &mut server.unwrap()).await;
}
