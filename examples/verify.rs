//! A client that queries another service about the certificate of its server, and waits for the
//! response in the middle of the handshake, which rustls 0.24 supports.
//!
//!     cargo run --example verify --features next
//!
//! The service listens on the loopback interface: it receives the SHA-256 fingerprint of a
//! certificate, and responds with a line that says "good" or "revoked".

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pollback::next::rustls::crypto::Identity;
use pollback::next::rustls::error::CertificateError;
use pollback::next::rustls::pki_types::{PrivateKeyDer, ServerName};
use pollback::next::rustls::{ClientConfig, RootCertStore, ServerConfig};
use pollback::next::{TlsAcceptor, TlsConnector, aws_lc_rs};
use rcgen::CertifiedKey;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks the service at `address` whether the certificate is still good.
async fn ask(address: SocketAddr, identity: &Identity<'_>) -> Result<(), CertificateError> {
    let Identity::X509(certificates) = identity else {
        return Err(CertificateError::BadEncoding);
    };
    let question = format!("{}\n", fingerprint(&certificates.end_entity));
    let answer = async {
        let mut service = BufReader::new(TcpStream::connect(address).await?);
        service.write_all(question.as_bytes()).await?;
        let mut answer = String::new();
        service.read_line(&mut answer).await?;
        io::Result::Ok(answer)
    };
    match answer.await.as_deref() {
        Ok("good\n") => Ok(()),
        Ok("revoked\n") => Err(CertificateError::Revoked),
        // Without a response the certificate is rejected.
        _ => Err(CertificateError::UnknownRevocationStatus),
    }
}

/// Verifies servers with the configured verifier, and then queries the service.
fn connector(config: ClientConfig, service: SocketAddr) -> TlsConnector {
    let verifier = Arc::clone(config.verifier());
    TlsConnector::from(Arc::new(config))
        .with_handshake_timeout(Duration::from_secs(10))
        .with_verifier(move |presented| {
            let verified = verifier.verify_identity(presented);
            async move {
                let verified = verified?;
                ask(service, verified.identity()).await?;
                Ok(verified)
            }
        })
}

/// Responds to one query.
async fn answer(service: TcpListener, revoked: Option<String>) -> io::Result<()> {
    let mut stream = BufReader::new(service.accept().await?.0);
    let mut question = String::new();
    stream.read_line(&mut question).await?;
    let is_revoked = revoked.as_deref() == Some(question.trim_end());
    let answer = if is_revoked { "revoked\n" } else { "good\n" };
    stream.write_all(answer.as_bytes()).await
}

/// Greets one client.
async fn greet(listener: TcpListener, config: ServerConfig) -> io::Result<()> {
    let (tcp, _) = listener.accept().await?;
    let mut stream = TlsAcceptor::from(Arc::new(config)).accept(tcp).await?;
    stream.write_all(b"hello").await?;
    stream.shutdown().await
}

/// Fetches the greeting of a server whose certificate is revoked, or not.
pub(crate) async fn fetch(is_revoked: bool) -> Result<String, Box<dyn Error>> {
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der())?;
    let identity = Identity::from_cert_chain(vec![cert.der().clone()])?;
    let provider = Arc::new(aws_lc_rs::DEFAULT_PROVIDER);
    let server = ServerConfig::builder(Arc::clone(&provider))
        .with_no_client_auth()
        .with_single_cert(Arc::new(identity), key)?;
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone())?;
    let client = ClientConfig::builder(provider)
        .with_root_certificates(roots)
        .with_no_client_auth()?;

    let service = TcpListener::bind("127.0.0.1:0").await?;
    let connector = connector(client, service.local_addr()?);
    let revoked = is_revoked.then(|| fingerprint(cert.der()));
    let answered = tokio::spawn(answer(service, revoked));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let tcp = TcpStream::connect(listener.local_addr()?).await?;
    let greeted = tokio::spawn(greet(listener, server));

    let name = ServerName::try_from("localhost")?;
    let mut greeting = String::new();
    let mut stream = connector.connect(name, tcp).await?;
    answered.await??;
    stream.read_to_string(&mut greeting).await?;
    greeted.await??;
    Ok(greeting)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("the server says: {}", fetch(false).await?);
    match fetch(true).await {
        Ok(_) => Err("a server with a revoked certificate was trusted".into()),
        Err(error) => {
            println!("another server: {error}");
            Ok(())
        }
    }
}
