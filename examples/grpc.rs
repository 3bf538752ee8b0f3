//! Queries the health of a gRPC server, with a tonic client and server in one program.
//!
//! ```sh
//! cargo run --example grpc --features tonic
//! ```

use std::error::Error;
use std::iter;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use pollback::TlsConnector;
use pollback::listener::{HandshakeData, Peer, SharedConfig, TlsListener};
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use pollback::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
use tokio::net::{TcpListener, TcpStream};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

type BoxError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("grpc: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// The error with its causes, which tonic's errors do not print.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let errors = iter::successors(Some(error), |error| (*error).source());
    let texts: Vec<_> = errors.map(ToString::to_string).collect();
    texts.join(": ")
}

async fn run() -> Result<(), BoxError> {
    let (client, server) = configs()?;
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    let address = tcp.local_addr()?;
    let listener = TlsListener::new(tcp, SharedConfig::new(server));
    let (told, shutdown) = (listener.shutdown_handle(), listener.shutdown_handle());

    let (_, health) = tonic_health::server::health_reporter();
    let health = InterceptedService::new(health, greet);
    let serving = tokio::spawn(async move {
        Server::builder()
            .add_service(health)
            .serve_with_incoming_shutdown(
                listener.into_incoming(),
                async move { told.stopped().await },
            )
            .await
    });

    let mut health = HealthClient::new(connect(client, address).await?);
    let answer = health.check(HealthCheckRequest::default()).await?;
    println!(
        "the server at {address} says {:?}",
        answer.get_ref().status()
    );

    drop(health);
    shutdown.drain(Duration::from_secs(5)).await;
    serving.await??;
    Ok(())
}

/// Prints the peer of each call.
fn greet(request: Request<()>) -> Result<Request<()>, Status> {
    if let Some(peer) = request
        .extensions()
        .get::<Peer<SocketAddr, HandshakeData>>()
    {
        let version = peer.handshake_data.version.and_then(|it| it.as_str());
        println!("{} calls over {}", peer.address, version.unwrap_or("TLS"));
    }
    Ok(request)
}

/// A tonic channel over a TLS stream of this crate.
async fn connect(config: ClientConfig, address: SocketAddr) -> Result<Channel, BoxError> {
    let connector = TlsConnector::from(Arc::new(config));
    // `http`, since the connection passed to tonic is encrypted already.
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
    // gRPC requires HTTP/2.
    for alpn in [&mut client.alpn_protocols, &mut server.alpn_protocols] {
        alpn.push(b"h2".to_vec());
    }
    Ok((client, server))
}
