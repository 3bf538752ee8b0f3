//! Clients that perform handshakes, each one after another.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollback::rustls::client::Resumption;
use pollback::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use pollback::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use pollback::rustls::{
    ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme, version,
};
use pollback_testkit::configs::provider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::BoxError;

/// Performs handshakes on this thread, this many at once and for this long. Returns the rate per
/// second. Without TLS it makes connections, each with a short request.
pub(super) fn flood(
    server: SocketAddr,
    tls: bool,
    clients: usize,
    time: Duration,
) -> Result<f64, BoxError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let connector = TlsConnector::from(Arc::new(any_server()?));
    let begun = Instant::now();
    let end = begun + time;
    let counts = runtime.block_on(async {
        let client = |_| {
            let connector = connector.clone();
            tokio::spawn(async move {
                let mut count = 0;
                while Instant::now() < end {
                    match tls {
                        true => handshake(&connector, server).await?,
                        false => exchange(server).await?,
                    }
                    count += 1;
                }
                io::Result::Ok(count)
            })
        };
        let mut counts = Vec::new();
        for client in (0..clients).map(client).collect::<Vec<_>>() {
            counts.push(client.await??);
        }
        Ok::<_, BoxError>(counts)
    })?;
    let count: u32 = counts.iter().sum();
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

async fn handshake(connector: &TlsConnector, server: SocketAddr) -> io::Result<()> {
    let tcp = TcpStream::connect(server).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let stream = connector.connect(name, tcp).await?;
    match stream.get_ref().1.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => Ok(()),
        other => Err(io::Error::other(format!("not TLS 1.3: {other:?}"))),
    }
}

async fn exchange(server: SocketAddr) -> io::Result<()> {
    let mut tcp = TcpStream::connect(server).await?;
    tcp.set_nodelay(true)?;
    tcp.write_all(&[1]).await?;
    tcp.read_u8().await?;
    Ok(())
}

/// Full handshakes, without the checks that would cost the client as much as the server.
pub(crate) fn any_server() -> Result<ClientConfig, Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Accepts every server certificate.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
