//! Asks a gRPC server whether it is well, client and server being of tonic and both in this program.
//!
//! ```sh
//! cargo run --example grpc --features axum-08
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use pollback::TlsConnector;
use pollback::listener::{SharedConfig, TlsListener};
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use pollback::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use tokio::net::{TcpListener, TcpStream};
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

type BoxError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (client, server) = configs()?;
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    let address = tcp.local_addr()?;
    let listener = TlsListener::new(tcp, SharedConfig::new(server));
    let (told, ending) = (listener.ending(), listener.ending());

    let (_, health) = tonic_health::server::health_reporter();
    let router = Routes::new(health).into_axum_router();
    let serving = tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { told.stopped().await })
            .await
    });

    let mut health = HealthClient::new(connect(client, address).await?);
    let answer = health.check(HealthCheckRequest::default()).await?;
    println!(
        "the server at {address} says {:?}",
        answer.get_ref().status()
    );

    drop(health);
    ending.drain(Duration::from_secs(5)).await;
    serving.await??;
    Ok(())
}

/// A channel of tonic over a TLS stream of ours.
async fn connect(config: ClientConfig, address: SocketAddr) -> Result<Channel, BoxError> {
    let connector = TlsConnector::from(Arc::new(config));
    // The scheme is that of what tonic sees, a connection that somebody else has secured.
    let endpoint = Endpoint::from_static("http://localhost");
    let connect = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let tcp = TcpStream::connect(address).await?;
            let name = "localhost".try_into().map_err(std::io::Error::other)?;
            let stream = connector.connect(name, tcp).await?;
            std::io::Result::Ok(TokioIo::new(stream))
        }
    });
    Ok(endpoint.connect_with_connector(connect).await?)
}

/// A client that trusts the server's certificate, which is made here.
fn configs() -> Result<(ClientConfig, ServerConfig), BoxError> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = CertificateDer::from(made.cert);
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from(key))?;
    // gRPC is HTTP/2.
    for alpn in [&mut client.alpn_protocols, &mut server.alpn_protocols] {
        alpn.push(b"h2".to_vec());
    }
    Ok((client, server))
}
