//! A handler of axum knows the client.

use super::{connect, setup};
use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use pollback::listener::{HandshakeData, Peer, TlsListener};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn who(ConnectInfo(peer): ConnectInfo<Peer<SocketAddr, HandshakeData>>) -> String {
    let alpn = peer.handshake_data.alpn.as_deref().unwrap_or_default();
    let certificates = peer.handshake_data.client_certificates.as_deref();
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
    let shutdown = listener.shutdown_handle();
    let router = Router::new().route("/", get(who));
    let service = router.into_make_service_with_connect_info::<Peer<SocketAddr, HandshakeData>>();
    let told = shutdown.clone();
    let server = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move { told.stopped().await })
            .await
    });

    let tcp = TcpStream::connect(address).await.unwrap();
    let local = tcp.local_addr().unwrap();
    let mut client = connect(&setup, tcp).await.unwrap();
    // The connection stays open for a further request.
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.write_all(request).await.unwrap();
    let expected = format!("\r\n\r\n{local} http/1.1 1");
    let mut answer = Vec::new();
    while !answer.ends_with(expected.as_bytes()) {
        let count = client.read_buf(&mut answer).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));

    // axum closes it during its shutdown.
    let drained = tokio::spawn(async move { shutdown.drain(Duration::MAX).await });
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    client.shutdown().await.unwrap();
    assert_eq!(drained.await.unwrap(), 0);
    server.await.unwrap().unwrap();
}
