//! A tokio-rustls program on pollback. Only these two lines have changed:
//!
//! ```diff
//! -use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig, pki_types};
//! -use tokio_rustls::{LazyConfigAcceptor, TlsConnector, TlsStream};
//! +use pollback::rustls::{self, ClientConfig, RootCertStore, ServerConfig, pki_types};
//! +use pollback::{LazyConfigAcceptor, TlsConnector, TlsStream};
//! ```
//!
//! An echo server for two names, which inspects the ClientHello before it chooses a certificate,
//! and a client that trusts one of them and recovers its transport when the other is rejected.
//!
//! ```sh
//! cargo run --example migrate
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use pollback::rustls::{self, ClientConfig, RootCertStore, ServerConfig, pki_types};
use pollback::{LazyConfigAcceptor, TlsConnector, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};

type BoxError = Box<dyn Error + Send + Sync>;
type Sites = HashMap<&'static str, Arc<ServerConfig>>;

const TRUSTED: &str = "trusted.example";
const STRANGER: &str = "stranger.example";
const ALPN: &[u8] = b"echo";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut roots = RootCertStore::empty();
    let mut sites = Sites::new();
    for name in [TRUSTED, STRANGER] {
        let (config, certificate) = site(name)?;
        sites.insert(name, config);
        if name == TRUSTED {
            roots.add(certificate)?;
        }
    }
    let connector = connector(roots)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(accept(listener, Arc::new(sites)));

    // A fallible handshake returns the transport on failure.
    let name = pki_types::ServerName::try_from(STRANGER)?;
    let tcp = TcpStream::connect(address).await?;
    match connector.connect(name, tcp).into_fallible().await {
        Ok(_) => return Err(format!("{STRANGER} is trusted").into()),
        Err((error, tcp)) => println!("{STRANGER} at {}: {error}", tcp.peer_addr()?),
    }

    let name = pki_types::ServerName::try_from(TRUSTED)?;
    let tcp = TcpStream::connect(address).await?;
    let stream = connector.connect(name, tcp).await?;
    if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
        return Err("the server chose no protocol".into());
    }
    let sent = b"there and back";
    let echoed = exchange(stream.into(), sent).await?;
    if echoed != sent {
        return Err("the echo differs".into());
    }
    println!("{TRUSTED} echoed {} bytes", echoed.len());
    Ok(())
}

/// Writes in one task and reads in another.
async fn exchange(stream: TlsStream<TcpStream>, sent: &'static [u8]) -> Result<Vec<u8>, BoxError> {
    let (mut reader, mut writer) = split(stream);
    let writing = tokio::spawn(async move {
        writer.write_all(sent).await?;
        writer.shutdown().await
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).await?;
    writing.await??;
    Ok(received)
}

async fn accept(listener: TcpListener, sites: Arc<Sites>) {
    while let Ok((tcp, peer)) = listener.accept().await {
        let sites = Arc::clone(&sites);
        tokio::spawn(async move {
            if let Err(error) = echo(tcp, &sites).await {
                eprintln!("server: {peer}: {error}");
            }
        });
    }
}

/// Reads the requested server name, accepts with the certificate for that name, and echoes.
async fn echo(tcp: TcpStream, sites: &Sites) -> io::Result<()> {
    let start = LazyConfigAcceptor::new(Default::default(), tcp).await?;
    let hello = start.client_hello();
    let Some(config) = hello.server_name().and_then(|name| sites.get(name)) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such site"));
    };
    let stream = start.into_stream(Arc::clone(config)).await?;
    let (mut reader, mut writer) = split(TlsStream::from(stream));
    tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, BoxError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config).into())
}

/// A site with a fresh certificate, and that certificate.
fn site(name: &str) -> Result<(Arc<ServerConfig>, pki_types::CertificateDer<'static>), BoxError> {
    let mut params = rcgen::CertificateParams::new([name.to_owned()])?;
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = rcgen::KeyPair::generate()?;
    let certificate = params.self_signed(&key)?.der().clone();
    let key = pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok((Arc::new(config), certificate))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
