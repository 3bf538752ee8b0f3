//! Configurations over the cryptography that hides nothing. Time stands still in them.

use std::sync::Arc;
use std::time::Duration;

use pollback::rustls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, ServerConfig, ServerConnection,
    SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion, version,
};

use super::cryptography::{Records, provider};

/// Every version, for an attacker to choose from.
pub(super) const ALL: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

pub(super) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

pub(super) fn server(
    records: Records,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    ServerConfig::builder_with_details(provider(records), Arc::new(Standstill))
        .with_protocol_versions(versions)
        .expect("suites for each version")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Anyone))
}

pub(super) fn client(
    records: Records,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    ClientConfig::builder_with_details(provider(records), Arc::new(Standstill))
        .with_protocol_versions(versions)
        .expect("suites for each version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth()
}

/// Configurations that have met before: the client has a ticket for early data, which the server
/// takes (`accepted`) or not.
pub(super) fn acquainted(records: Records, accepted: bool) -> (ClientConfig, ServerConfig) {
    let mut client = client(records, &[&version::TLS13]);
    let mut server = server(records, &[&version::TLS13]);
    client.enable_early_data = true;
    server.max_early_data_size = 4096;
    introduce(&client, &server);
    if !accepted {
        // It has forgotten the ticket, and skips whatever early data there is.
        server.session_storage = ServerSessionMemoryCache::new(1);
        server.max_early_data_size = 1 << 24;
    }
    (client, server)
}

fn introduce(client: &ClientConfig, server: &ServerConfig) {
    let mut client = ClientConnection::new(Arc::new(client.clone()), localhost()).expect("client");
    let mut server = ServerConnection::new(Arc::new(server.clone())).expect("server");
    while client.wants_write() || server.wants_write() {
        let mut flight = Vec::new();
        client.write_tls(&mut flight).expect("a vector takes all");
        server
            .read_tls(&mut &flight[..])
            .expect("room for a flight");
        server.process_new_packets().expect("an honest flight");
        flight.clear();
        server.write_tls(&mut flight).expect("a vector takes all");
        client
            .read_tls(&mut &flight[..])
            .expect("room for a flight");
        client.process_new_packets().expect("an honest flight");
    }
}

#[derive(Debug)]
struct Standstill;

impl TimeProvider for Standstill {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1 << 30)))
    }
}

/// Has a certificate for every name, signs without a key, and believes everyone.
#[derive(Debug)]
struct Anyone;

impl ResolvesServerCert for Anyone {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let certificate = CertificateDer::from(&b"certificate"[..]);
        Some(Arc::new(CertifiedKey::new(
            vec![certificate],
            Arc::new(Self),
        )))
    }
}

impl SigningKey for Anyone {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let known = offered.contains(&SignatureScheme::ED25519);
        known.then(|| Box::new(Self) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for Anyone {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(b"signature".to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

impl ServerCertVerifier for Anyone {
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
        vec![
            SignatureScheme::ED25519,
            SignatureScheme::ECDSA_NISTP256_SHA256,
        ]
    }
}
