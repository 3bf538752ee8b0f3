//! Tells each client who it is, in a handler of axum: its address, the application protocol and its
//! certificate.
//!
//! ```sh
//! cargo run --example axum --features axum-08 -- chain.pem key.pem client-roots.pem 127.0.0.1:4433
//! ```
//!
//! The first line on stdout names the address that is listened on. Ctrl-C ends it in peace.

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use pollback::listener::{Facts, Peer, PemFiles, SharedConfig, TlsListener};
use pollback::rustls::pki_types::CertificateDer;
use pollback::rustls::pki_types::pem::PemObject;
use pollback::rustls::server::WebPkiClientVerifier;
use pollback::rustls::{RootCertStore, ServerConfig, crypto};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// How long requests under way may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [chain, key, roots, address] = arguments.as_slice() else {
        return Err("usage: axum CHAIN KEY CLIENT-ROOTS ADDRESS".into());
    };
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let mut trusted = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(roots)? {
        trusted.add(root?)?;
    }
    // A certificate may be missing, but not be one that nobody vouches for.
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()?;
    let files = PemFiles::new(chain, key, |chain, key| {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::clone(&verifier) as _)
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    });

    let tcp = TcpListener::bind(address).await?;
    println!("listening on {}", tcp.local_addr()?);
    let listener = TlsListener::new(tcp, SharedConfig::new(files.load()?))
        .on_failure(|failed| eprintln!("{:?}: {failed}", failed.peer));
    let (told, ending) = (listener.ending(), listener.ending());
    let drained = tokio::spawn(async move {
        tokio::signal::ctrl_c().await?;
        std::io::Result::Ok(ending.drain(GRACE).await)
    });
    let router = Router::new().route("/", get(who));
    let service = router.into_make_service_with_connect_info::<Peer<SocketAddr, Facts>>();
    axum::serve(listener, service)
        .with_graceful_shutdown(async move { told.stopped().await })
        .await?;
    match drained.await?? {
        0 => Ok(()),
        left => Err(format!("{left} connections were cut off").into()),
    }
}

async fn who(ConnectInfo(peer): ConnectInfo<Peer<SocketAddr, Facts>>) -> String {
    let alpn = peer.facts.alpn.as_deref().unwrap_or(b"none");
    let certificate = peer.facts.client_certificates.as_deref();
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
