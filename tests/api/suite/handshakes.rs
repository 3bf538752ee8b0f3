//! The futures `Connect`, `Accept`, `FallibleConnect` and `FallibleAccept`.

use super::configs;
use super::tls::rustls::Error;
use super::tls::{Accept, Connect, FallibleAccept, FallibleConnect, TlsAcceptor, TlsConnector};
use crate::support::{duplex, localhost, setups, talk, tcp};
use pollback_testkit::configs::{Setup, Version};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;

fn connect<IO>(setup: &Setup, transport: IO) -> Connect<IO>
where
    IO: crate::support::Transport,
{
    TlsConnector::from(configs(setup).0).connect(localhost(), transport)
}

fn accept<IO>(setup: &Setup, transport: IO) -> Accept<IO>
where
    IO: crate::support::Transport,
{
    TlsAcceptor::from(configs(setup).1).accept(transport)
}

#[tokio::test]
async fn the_transport_is_accessible_until_the_future_completes() {
    for setup in setups() {
        let (near, far) = tcp().await;
        let (near_address, far_address) = (near.local_addr().unwrap(), far.local_addr().unwrap());
        let mut connect: Connect<TcpStream> = connect(&setup, near);
        let mut accept: Accept<TcpStream> = accept(&setup, far);
        assert_eq!(
            connect.get_ref().unwrap().local_addr().unwrap(),
            near_address
        );
        assert_eq!(accept.get_ref().unwrap().local_addr().unwrap(), far_address);
        connect.get_mut().unwrap().set_nodelay(true).unwrap();
        accept.get_mut().unwrap().set_nodelay(true).unwrap();

        let (client, server) = tokio::join!(&mut connect, &mut accept);
        assert!(client.unwrap().get_ref().0.nodelay().unwrap());
        assert!(server.unwrap().get_ref().0.nodelay().unwrap());
        assert!(connect.get_ref().is_none());
        assert!(connect.get_mut().is_none());
        assert!(accept.get_ref().is_none());
        assert!(accept.get_mut().is_none());
    }
}

#[tokio::test]
async fn get_mut_reaches_what_the_peer_reads() {
    let setup = Setup::new(Version::Tls13);
    let (near, mut far) = duplex();
    let mut connect = connect(&setup, near);
    connect
        .get_mut()
        .unwrap()
        .write_all(b"PROXY\n")
        .await
        .unwrap();
    let serve = async {
        let mut line = [0; 6];
        far.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"PROXY\n");
        accept(&setup, far).await
    };
    let (client, server) = tokio::join!(connect, serve);
    talk(&mut client.unwrap(), &mut server.unwrap()).await;
}

#[tokio::test]
async fn fallible_futures_return_the_stream_on_success() {
    for setup in setups() {
        let (near, far) = duplex();
        let connect: FallibleConnect<DuplexStream> = connect(&setup, near).into_fallible();
        let accept: FallibleAccept<DuplexStream> = accept(&setup, far).into_fallible();
        let (client, server) = tokio::join!(connect, accept);
        let (client, server): (Result<_, (io::Error, DuplexStream)>, Result<_, _>) =
            (client, server);
        talk(&mut client.unwrap(), &mut server.unwrap()).await;
    }
}

#[tokio::test]
async fn fallible_connect_returns_the_transport() {
    let (near, mut far) = tcp().await;
    let address = near.local_addr().unwrap();
    let connect: FallibleConnect<TcpStream> =
        connect(&Setup::new(Version::Tls13), near).into_fallible();
    let serve = async {
        far.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        far
    };
    let (result, mut far) = tokio::join!(connect, serve);
    let (error, mut near) = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(near.local_addr().unwrap(), address);
    near.write_all(b"QUIT\r\n").await.unwrap();
    near.shutdown().await.unwrap();
    let mut received = Vec::new();
    far.read_to_end(&mut received).await.unwrap();
    assert!(received.ends_with(b"QUIT\r\n"), "{received:?}");
}

#[tokio::test]
async fn fallible_accept_returns_the_transport() {
    let (mut near, far) = tcp().await;
    let address = far.local_addr().unwrap();
    let accept: FallibleAccept<TcpStream> =
        accept(&Setup::new(Version::Tls13), far).into_fallible();
    let visit = near.write_all(b"GET / HTTP/1.0\r\n\r\n");
    let (result, visited) = tokio::join!(accept, visit);
    visited.unwrap();
    let (error, mut far) = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(far.local_addr().unwrap(), address);
    far.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    far.shutdown().await.unwrap();
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.ends_with(b"HTTP/1.0 400 Bad Request\r\n\r\n"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn the_io_error_is_the_tls_error() {
    let (near, mut far) = duplex();
    far.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    let error = connect(&Setup::new(Version::Tls13), near)
        .await
        .unwrap_err();
    let inner = error.get_ref().expect("wraps the error of rustls");
    let inner = inner.downcast_ref::<Error>().expect("of rustls itself");
    assert!(matches!(inner, Error::InvalidMessage(_)), "{inner:?}");
}

#[tokio::test]
async fn an_unusable_configuration_fails_the_future() {
    let (client, server) = configs(&Setup::new(Version::Tls13));
    let (mut client, mut server) = (Arc::unwrap_or_clone(client), Arc::unwrap_or_clone(server));
    client.max_fragment_size = Some(1);
    server.max_fragment_size = Some(1);
    let connector = TlsConnector::from(Arc::new(client));
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let (near, far) = duplex();

    let connect = connector.connect(localhost(), near);
    assert!(connect.get_ref().is_some());
    let (error, mut near) = connect.into_fallible().await.unwrap_err();
    is_bad_fragment_size(&error);
    let accept = acceptor.accept(far);
    assert!(accept.get_ref().is_some());
    let (error, mut far) = accept.into_fallible().await.unwrap_err();
    is_bad_fragment_size(&error);

    near.write_all(b"still usable").await.unwrap();
    let mut received = [0; 12];
    far.read_exact(&mut received).await.unwrap();
    assert_eq!(&received, b"still usable");
}

fn is_bad_fragment_size(error: &io::Error) {
    assert_eq!(error.kind(), io::ErrorKind::Other);
    let inner = error.get_ref().unwrap().downcast_ref::<Error>();
    assert_eq!(inner, Some(&Error::BadMaxFragmentSize));
}

#[tokio::test]
async fn end_of_stream_in_the_handshake_is_unexpected() {
    for setup in setups() {
        let (near, far) = duplex();
        drop(far);
        // The write of the client may fail first.
        let error = connect(&setup, near).await.unwrap_err();
        let kinds = [io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        let (near, far) = duplex();
        drop(near);
        let error = accept(&setup, far).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
