//! A handler of axum knows who is at the other end.

use super::{connect, setup};
use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use pollback::listener::{Facts, Peer, TlsListener};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

async fn who(ConnectInfo(peer): ConnectInfo<Peer<SocketAddr, Facts>>) -> String {
    let alpn = peer.facts.alpn.as_deref().unwrap_or_default();
    let certificates = peer.facts.client_certificates.as_deref();
    format!(
        "{} {} {}",
        peer.address,
        String::from_utf8_lossy(alpn),
        certificates.map_or(0, <[_]>::len),
    )
}

#[tokio::test]
async fn a_handler_sees_address_protocol_and_certificate() {
    let setup = setup().alpn(&["http/1.1"]).client_auth();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = TlsListener::new(tcp, super::shared(setup.server()));
    let address = listener.local_addr().unwrap();
    let ending = listener.ending();
    let router = Router::new().route("/", get(who));
    let service = router.into_make_service_with_connect_info::<Peer<SocketAddr, Facts>>();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move { stopped.await.unwrap() })
            .await
    });

    let tcp = TcpStream::connect(address).await.unwrap();
    let local = tcp.local_addr().unwrap();
    let mut client = connect(&setup, tcp).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(&format!("{local} http/1.1 1")), "{answer}");
    client.shutdown().await.unwrap();

    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert_eq!(ending.drain(Duration::MAX).await, 0);
}
