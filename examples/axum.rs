//! Tells each client who it is, in a handler of axum: its address, the application protocol and its
//! certificate. New certificates, its own and those of its clients' authorities, are used as soon as
//! their files have them.
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
use pollback::Options;
use pollback::listener::{
    ClientAuthorities, ClientFiles, Facts, Peer, PemFiles, SharedConfig, TlsListener,
};
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use pollback::rustls::server::WebPkiClientVerifier;
use pollback::rustls::{ServerConfig, crypto};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// hyper flushes when it has written what there is, so writes can wait for one another. Leave this
/// out where a program writes and does not flush: its peer would wait for ever.
const OPTIONS: Options = Options::new().with_batched_writes(true);

/// How long requests under way may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// How soon new contents of the files are used.
const WITHIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [chain, key, roots, address] = arguments.as_slice() else {
        return Err("usage: axum CHAIN KEY CLIENT-ROOTS ADDRESS".into());
    };
    let files = PemFiles::with_client_auth(chain, key, ClientFiles::new(roots), configure);
    let config = SharedConfig::new(files.load()?).with_options(OPTIONS);
    tokio::spawn(
        files.watch(config.clone(), WITHIN, |reloaded| match reloaded {
            Ok(()) => println!("reloaded"),
            Err(error) => println!("still serving the old certificate: {error}"),
        }),
    );

    let tcp = TcpListener::bind(address).await?;
    println!("listening on {}", tcp.local_addr()?);
    let listener = TlsListener::new(tcp, config).on_failure(|failed| eprintln!("{failed}"));
    let (told, shutdown) = (listener.shutdown_handle(), listener.shutdown_handle());
    let drained = tokio::spawn(async move {
        tokio::signal::ctrl_c().await?;
        std::io::Result::Ok(shutdown.drain(GRACE).await)
    });
    let router = Router::new().route("/", get(who));
    let service = router.into_make_service_with_connect_info::<Peer<SocketAddr, Facts>>();
    // A task of the runtime's workers; this one would have to be woken for each connection.
    let serving = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move { told.stopped().await })
            .await
    });
    serving.await??;
    match drained.await?? {
        0 => Ok(()),
        left => Err(format!("{left} connections were cut off").into()),
    }
}

fn configure(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: ClientAuthorities,
) -> Result<ServerConfig, Box<dyn Error + Send + Sync>> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    // A certificate may be missing, but not be one that nobody vouches for.
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
