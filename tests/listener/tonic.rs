//! A handler of tonic knows the client.

use super::{connect, setup, shared};
use hyper_util::rt::TokioIo;
use pollback::listener::{HandshakeData, Peer, TlsListener};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test]
async fn a_handler_sees_address_protocol_and_certificate() {
    let setup = setup().alpn(&["h2"]).client_auth();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = TlsListener::new(tcp, shared(setup.server()));
    let address = listener.local_addr().unwrap();
    let shutdown = listener.shutdown_handle();
    let (_, health) = tonic_health::server::health_reporter();
    let seen = Arc::new(Mutex::new(None));
    let sees = Arc::clone(&seen);
    let health = InterceptedService::new(health, move |request: Request<()>| {
        let peer = request
            .extensions()
            .get::<Peer<SocketAddr, HandshakeData>>();
        *sees.lock().unwrap() = peer.cloned();
        Result::<_, Status>::Ok(request)
    });
    let told = shutdown.clone();
    let server = tokio::spawn(async move {
        let told = async move { told.stopped().await };
        let server = Server::builder().add_service(health);
        server
            .serve_with_incoming_shutdown(listener.into_incoming(), told)
            .await
    });

    let local = Arc::new(Mutex::new(None));
    let notes = Arc::clone(&local);
    let connector = tower::service_fn(move |_| {
        let (setup, notes) = (setup.clone(), Arc::clone(&notes));
        async move {
            let tcp = TcpStream::connect(address).await?;
            *notes.lock().unwrap() = Some(tcp.local_addr()?);
            std::io::Result::Ok(TokioIo::new(connect(&setup, tcp).await?))
        }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await.unwrap();
    let mut health = HealthClient::new(channel);
    health.check(HealthCheckRequest::default()).await.unwrap();
    let peer = seen
        .lock()
        .unwrap()
        .take()
        .expect("the handshake_data of the handshake");
    assert_eq!(Some(peer.address), *local.lock().unwrap());
    assert_eq!(peer.handshake_data.alpn.as_deref(), Some(&b"h2"[..]));
    assert_eq!(
        peer.handshake_data
            .client_certificates
            .map_or(0, |chain| chain.len()),
        1
    );

    // tonic closes it during its shutdown, although the client stays connected.
    assert_eq!(shutdown.drain(Duration::MAX).await, 0);
    server.await.unwrap().unwrap();
    drop(health);
}
