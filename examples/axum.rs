//! Responds to each client with its address, application protocol and certificate, in a handler of
//! axum. The certificate of the server and the roots of its clients are reloaded when their files
//! change.
//!
//! ```sh
//! cargo run --example axum --features axum-08 -- chain.pem key.pem client-roots.pem 127.0.0.1:4433
//! ```
//!
//! The first line on stdout is the address that the server listens on. Ctrl-C shuts it down gracefully.

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use pollback::Options;
use pollback::listener::{
    ClientAuthorities, ClientFiles, HandshakeData, Peer, PemFiles, SharedConfig, TlsListener,
};
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use pollback::rustls::server::WebPkiClientVerifier;
use pollback::rustls::{ServerConfig, crypto};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// hyper flushes after each message, so its writes can be batched. In a program that writes without
/// flushing, the peer would wait forever.
const OPTIONS: Options = Options::new().with_batched_writes(true);

/// How long open connections may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// How soon changed files are used.
const WITHIN: Duration = Duration::from_secs(10);

const USAGE: &str = "\
usage: axum CHAIN KEY CLIENT-ROOTS ADDRESS

  CHAIN         the certificate chain, a PEM file
  KEY           its private key, a PEM file
  CLIENT-ROOTS  the roots that issue client certificates, a PEM file
  ADDRESS       where to listen, such as 127.0.0.1:4433

Changed files are reloaded within 10 seconds, Ctrl-C shuts down gracefully.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let [chain, key, roots, address] = arguments.as_slice() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(chain, key, roots, address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(chain: &str, key: &str, roots: &str, address: &str) -> Result<(), Box<dyn Error>> {
    let files = PemFiles::with_client_auth(chain, key, ClientFiles::new(roots), configure);
    let config = SharedConfig::new(files.load()?).with_options(OPTIONS);
    tokio::spawn(
        files.watch(config.clone(), WITHIN, |reloaded| match reloaded {
            Ok(()) => println!("reloaded"),
            Err(error) => println!("still serving the old certificate: {error}"),
        }),
    );

    let tcp = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on {}", tcp.local_addr()?);
    let listener = TlsListener::new(tcp, config).on_failure(|failed| eprintln!("{failed}"));
    let (told, shutdown) = (listener.shutdown_handle(), listener.shutdown_handle());
    let drained = tokio::spawn(async move {
        tokio::signal::ctrl_c().await?;
        std::io::Result::Ok(shutdown.drain(GRACE).await)
    });
    let router = Router::new().route("/", get(who));
    let service = router.into_make_service_with_connect_info::<Peer<SocketAddr, HandshakeData>>();
    // Run as a task on a worker: the main task would have to be woken for each connection.
    let serving = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move { told.stopped().await })
            .await
    });
    serving.await??;
    match drained.await?? {
        0 => Ok(()),
        left => Err(format!("{left} connections were aborted").into()),
    }
}

fn configure(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: ClientAuthorities,
) -> Result<ServerConfig, Box<dyn Error + Send + Sync>> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    // A client needs no certificate, but if it sends one, these roots must have issued it.
    let verifier =
        WebPkiClientVerifier::builder_with_provider(clients.roots, Arc::clone(&provider))
            .with_crls(clients.revocation_lists)
            .allow_unauthenticated()
            .build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

async fn who(ConnectInfo(peer): ConnectInfo<Peer<SocketAddr, HandshakeData>>) -> String {
    let alpn = peer.handshake_data.alpn.as_deref().unwrap_or(b"none");
    let certificate = peer.handshake_data.client_certificates.as_deref();
    let digest = match certificate.and_then(<[_]>::first) {
        Some(certificate) => format!("{:x}", Sha256::digest(certificate)),
        None => "none".to_owned(),
    };
    format!(
        "address: {}\nprotocol: {}\ncertificate: {digest}\n",
        peer.address,
        String::from_utf8_lossy(alpn),
    )
}
