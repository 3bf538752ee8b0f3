//! `LazyConfigAcceptor`.

use super::configs;
use super::tls::rustls::Error;
use super::tls::rustls::server::Acceptor;
use super::tls::{LazyConfigAcceptor, TlsConnector};
use crate::support::{duplex, localhost, setups, talk, tcp};
use futures_util::FutureExt;
use pollback_testkit::configs::{Setup, Version};
use std::io;
use std::pin::pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn the_hello_is_read_before_a_configuration_is_chosen() {
    for setup in setups() {
        let (client, config) = configs(&setup.alpn(&["h2", "http/1.1"]));
        let (near, far) = tcp().await;
        let serve = async {
            let lazy = LazyConfigAcceptor::new(Acceptor::default(), far);
            let start = lazy.await.unwrap();
            let hello = start.client_hello();
            assert_eq!(hello.server_name(), Some("localhost"));
            let alpn: Vec<_> = hello.alpn().unwrap().collect();
            assert_eq!(alpn, [&b"h2"[..], b"http/1.1"]);
            start.into_stream(config).await.unwrap()
        };
        let connector = TlsConnector::from(client);
        let (client, mut server) = tokio::join!(connector.connect(localhost(), near), serve);
        talk(&mut client.unwrap(), &mut server).await;
    }
}

#[tokio::test]
async fn a_hello_that_arrives_byte_by_byte_is_awaited() {
    for setup in setups() {
        let (client, _) = configs(&setup);
        let (near, mut between) = duplex();
        let mut connect = TlsConnector::from(client).connect(localhost(), near);
        assert!((&mut connect).now_or_never().is_none());
        let mut hello = vec![0; 4096];
        let length = between.read(&mut hello).await.unwrap();

        let (mut near, far) = duplex();
        let mut lazy = LazyConfigAcceptor::new(Acceptor::default(), far);
        for byte in &hello[..length] {
            assert!((&mut lazy).now_or_never().is_none());
            near.write_u8(*byte).await.unwrap();
        }
        let start = lazy.now_or_never().expect("the hello is whole").unwrap();
        assert_eq!(start.client_hello().server_name(), Some("localhost"));
    }
}

#[tokio::test]
async fn take_io_returns_the_transport_once() {
    let (near, far) = tcp().await;
    let address = far.local_addr().unwrap();
    let mut lazy = LazyConfigAcceptor::new(Acceptor::default(), far);
    assert_eq!(lazy.take_io().unwrap().local_addr().unwrap(), address);
    assert!(lazy.take_io().is_none());
    let error = lazy.await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Other);
    drop(near);
}

#[tokio::test]
async fn take_io_after_a_rejection_lets_the_server_respond_in_plaintext() {
    let (mut near, far) = duplex();
    near.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut lazy = pin!(LazyConfigAcceptor::new(Acceptor::default(), far));
    let error = lazy.as_mut().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let inner = error.get_ref().unwrap().downcast_ref::<Error>();
    assert!(matches!(inner, Some(Error::InvalidMessage(_))), "{inner:?}");

    let mut far = lazy.take_io().expect("the transport is still there");
    far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    drop(far);
    let mut received = Vec::new();
    near.read_to_end(&mut received).await.unwrap();
    assert_eq!(received[0], 21, "an alert comes first: {received:?}");
    assert!(
        received.ends_with(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "{received:?}"
    );
}

#[tokio::test]
async fn take_io_finds_nothing_after_acceptance() {
    let (client, _) = configs(&Setup::new(Version::Tls13));
    let (near, far) = duplex();
    let mut connect = TlsConnector::from(client).connect(localhost(), near);
    assert!((&mut connect).now_or_never().is_none());
    let mut lazy = LazyConfigAcceptor::new(Acceptor::default(), far);
    let start = (&mut lazy).await.unwrap();
    assert!(lazy.take_io().is_none());
    assert_eq!(start.client_hello().server_name(), Some("localhost"));
}

#[tokio::test]
async fn take_io_while_the_hello_is_awaited() {
    let (mut near, far) = duplex();
    near.write_all(&[22, 3, 1]).await.unwrap();
    let mut lazy = LazyConfigAcceptor::new(Acceptor::default(), far);
    assert!(
        (&mut lazy).now_or_never().is_none(),
        "three bytes are no hello"
    );
    let mut far = lazy.take_io().expect("nothing was accepted");
    far.write_all(b"too slow").await.unwrap();
    drop(far);
    let mut received = String::new();
    near.read_to_string(&mut received).await.unwrap();
    assert_eq!(received, "too slow");
}

#[tokio::test]
async fn polling_after_completion_is_an_error() {
    let (client, _) = configs(&Setup::new(Version::Tls13));
    let (near, far) = duplex();
    let mut connect = TlsConnector::from(client).connect(localhost(), near);
    assert!((&mut connect).now_or_never().is_none());
    let mut lazy = LazyConfigAcceptor::new(Acceptor::default(), far);
    assert!((&mut lazy).await.is_ok());
    for _ in 0..2 {
        let error = (&mut lazy).await.expect_err("the transport is gone");
        assert_eq!(error.kind(), io::ErrorKind::Other);
    }
}

#[tokio::test]
async fn polling_after_a_failure_is_an_error() {
    let (mut near, far) = duplex();
    near.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    near.shutdown().await.unwrap();
    let mut lazy = LazyConfigAcceptor::new(Acceptor::default(), far);
    assert!((&mut lazy).await.is_err());
    assert!((&mut lazy).await.is_err());
    assert!(lazy.take_io().is_some());
}

#[tokio::test]
async fn end_of_stream_before_the_hello_is_unexpected() {
    let (near, far) = duplex();
    drop(near);
    let error = LazyConfigAcceptor::new(Acceptor::default(), far)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}
