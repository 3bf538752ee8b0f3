//! `StartHandshake`.

use super::configs;
use super::tls::rustls::server::Acceptor;
use super::tls::rustls::{AlertDescription, Error};
use super::tls::{Accept, LazyConfigAcceptor, StartHandshake, TlsConnector};
use crate::support::{Transport, duplex, localhost, setups, talk, tcp};
use pollback_testkit::configs::{Setup, Version};
use std::io;
use std::sync::Arc;
use tokio::io::DuplexStream;
use tokio::net::TcpStream;

async fn start<IO: Transport>(transport: IO) -> StartHandshake<IO> {
    LazyConfigAcceptor::new(Acceptor::default(), transport)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_fields_are_the_transport_and_what_was_accepted() {
    let (client, config) = configs(&Setup::new(Version::Tls13));
    let (near, far) = tcp().await;
    let address = far.local_addr().unwrap();
    let serve = async {
        let start: StartHandshake<TcpStream> = start(far).await;
        assert_eq!(start.io.local_addr().unwrap(), address);
        assert_eq!(
            start.accepted.client_hello().server_name(),
            Some("localhost")
        );
        assert!(format!("{start:?}").starts_with("StartHandshake"));
        start.into_stream(config).await
    };
    let connector = TlsConnector::from(client);
    let (client, server) = tokio::join!(connector.connect(localhost(), near), serve);
    talk(&mut client.unwrap(), &mut server.unwrap()).await;
}

#[tokio::test]
async fn from_parts_continues_on_another_transport() {
    for setup in setups() {
        let (client, config) = configs(&setup);
        let (near, far) = tcp().await;
        let serve = async {
            let StartHandshake { accepted, io, .. } = start(far).await;
            let boxed: Box<dyn Transport> = Box::new(io);
            StartHandshake::from_parts(accepted, boxed)
                .into_stream(config)
                .await
        };
        let connector = TlsConnector::from(client);
        let (client, server) = tokio::join!(connector.connect(localhost(), near), serve);
        talk(&mut client.unwrap(), &mut server.unwrap()).await;
    }
}

#[tokio::test]
async fn into_stream_with_lends_the_connection_before_the_handshake_continues() {
    for setup in setups() {
        let (client, config) = configs(&setup);
        let (near, far) = duplex();
        let serve = async {
            let mut name = None;
            let start = start(far).await;
            let accept: Accept<DuplexStream> = start.into_stream_with(config, |connection| {
                assert!(connection.is_handshaking());
                name = connection.server_name().map(str::to_owned);
            });
            assert_eq!(name.as_deref(), Some("localhost"), "before the first poll");
            accept.await
        };
        let connector = TlsConnector::from(client);
        let (client, server) = tokio::join!(connector.connect(localhost(), near), serve);
        talk(&mut client.unwrap(), &mut server.unwrap()).await;
    }
}

#[tokio::test]
async fn a_rejected_configuration_alerts_the_client_and_returns_the_transport() {
    let versions = [Version::Tls12, Version::Tls13];
    for (offered, wanted) in [(versions[0], versions[1]), (versions[1], versions[0])] {
        let client = Arc::new(Setup::new(offered).client());
        let config = Arc::new(Setup::new(wanted).server());
        let (near, far) = tcp().await;
        let address = far.local_addr().unwrap();
        let serve = async {
            let accept = start(far).await.into_stream(config);
            assert_eq!(accept.get_ref().unwrap().local_addr().unwrap(), address);
            let (error, far) = accept.into_fallible().await.unwrap_err();
            assert_eq!(far.local_addr().unwrap(), address);
            error
        };
        let connector = TlsConnector::from(client);
        let (client, refused) = tokio::join!(connector.connect(localhost(), near), serve);
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        let refused = refused.into_inner().unwrap().downcast::<Error>().unwrap();
        assert!(
            matches!(*refused, Error::PeerIncompatible(_)),
            "{refused:?}"
        );
        let alerted = client
            .unwrap_err()
            .into_inner()
            .unwrap()
            .downcast::<Error>()
            .unwrap();
        assert_eq!(
            *alerted,
            Error::AlertReceived(AlertDescription::ProtocolVersion)
        );
    }
}
