//! rustls 0.23, with configurations that use the cryptography that hides nothing, and a fixed time.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use pollback::rustls;
use pollback::{LazyConfigAcceptor, TlsAcceptor, TlsConnector, TlsStream};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{Acceptor, ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, Error, ServerConfig,
    ServerConnection, SignatureAlgorithm, SignatureScheme, SupportedProtocolVersion, version,
};

use super::attack::ends_in_an_alert;
use super::cryptography::Records;
use super::provider::provider;
use super::streams::{Begin, Stream, Transport};
use super::version::{Handling, Tls, Verdict, Version};

pub(super) struct Current;

fn versions(tls: Tls) -> &'static [&'static SupportedProtocolVersion] {
    const ALL: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
    match tls {
        Tls::V13 => &ALL[..1],
        Tls::V12 => &ALL[1..],
        Tls::Any => ALL,
    }
}

pub(super) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

impl Version for Current {
    type ClientConfig = ClientConfig;
    type ServerConfig = ServerConfig;
    type Error = Error;

    fn client(records: Records, tls: Tls) -> ClientConfig {
        ClientConfig::builder_with_details(provider(records), Arc::new(Standstill))
            .with_protocol_versions(versions(tls))
            .expect("suites for each version")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth()
    }

    fn server(records: Records, tls: Tls) -> ServerConfig {
        ServerConfig::builder_with_details(provider(records), Arc::new(Standstill))
            .with_protocol_versions(versions(tls))
            .expect("suites for each version")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Anyone))
    }

    fn allow_early_data(client: &mut ClientConfig, server: &mut ServerConfig, most: u32) {
        client.enable_early_data = true;
        server.max_early_data_size = most;
    }

    fn forget(server: &mut ServerConfig) {
        server.session_storage = Arc::new(NoServerSessionStorage {});
    }

    fn connect(config: ClientConfig, early: bool, handling: Handling) -> Begin {
        let connector = TlsConnector::from(Arc::new(config)).early_data(early);
        let connector = connector.with_options(handling.options);
        Box::new(move |io| {
            Box::pin(async move {
                let stream = connector.connect(localhost(), io).await?;
                Ok(Box::new(TlsStream::from(stream)) as Box<dyn Stream>)
            })
        })
    }

    fn accept(config: ServerConfig, handling: Handling) -> Begin {
        let acceptor = TlsAcceptor::from(Arc::new(config)).with_options(handling.options);
        Box::new(move |io| {
            Box::pin(async move {
                let stream = acceptor.accept(io).await?;
                Ok(Box::new(TlsStream::from(stream)) as Box<dyn Stream>)
            })
        })
    }

    fn accept_lazily(config: ServerConfig, handling: Handling) -> Begin {
        Box::new(move |io| {
            Box::pin(async move {
                let start = LazyConfigAcceptor::new(Acceptor::default(), io).await?;
                let accept = start.into_stream(Arc::new(config));
                let stream = accept.with_options(handling.options).await?;
                Ok(Box::new(TlsStream::from(stream)) as Box<dyn Stream>)
            })
        })
    }

    fn verdict_of_client(config: ClientConfig, bytes: &[u8]) -> Verdict<Error> {
        match ClientConnection::new(Arc::new(config), localhost()) {
            Ok(connection) => verdict(connection.into(), bytes),
            Err(error) => condemned(error),
        }
    }

    fn verdict_of_server(config: ServerConfig, lazy: bool, mut bytes: &[u8]) -> Verdict<Error> {
        let config = Arc::new(config);
        if !lazy {
            return match ServerConnection::new(config) {
                Ok(connection) => verdict(connection.into(), bytes),
                Err(error) => condemned(error),
            };
        }
        let mut acceptor = Acceptor::default();
        while let Ok(1..) = acceptor.read_tls(&mut bytes) {
            let accepted = match acceptor.accept() {
                Ok(Some(accepted)) => accepted,
                Ok(None) => continue,
                Err((error, _)) => return condemned(error),
            };
            return match accepted.into_connection(config) {
                Ok(connection) => verdict(connection.into(), bytes),
                Err((error, _)) => condemned(error),
            };
        }
        Verdict::sound()
    }
}

fn verdict(mut connection: Connection, mut bytes: &[u8]) -> Verdict<Error> {
    loop {
        if let Err(error) = connection.process_new_packets() {
            let mut sent = Vec::new();
            while connection.wants_write() {
                connection
                    .write_tls(&mut sent)
                    .expect("a vector accepts everything");
            }
            let alert = !is_alert_of_peer(&error) && ends_in_an_alert(&sent);
            return Verdict {
                error: Some(error),
                alert,
            };
        }
        let _ = connection.reader().read_to_end(&mut Vec::new());
        if !matches!(connection.read_tls(&mut bytes), Ok(1..)) {
            return Verdict::sound();
        }
    }
}

/// The verdict for a failure without a connection.
fn condemned(error: Error) -> Verdict<Error> {
    Verdict {
        alert: !is_alert_of_peer(&error),
        error: Some(error),
    }
}

/// A peer that has sent an alert need not receive one.
fn is_alert_of_peer(error: &Error) -> bool {
    matches!(error, Error::AlertReceived(_))
}

impl Stream for TlsStream<Box<dyn Transport>> {
    fn early_data(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Self::Server(stream) = self
            && let Some(mut early) = stream.get_mut().1.early_data()
        {
            early
                .read_to_end(&mut bytes)
                .expect("early data is there or not");
        }
        bytes
    }

    fn ask_for_new_keys(&mut self) {
        let _ = match self {
            Self::Client(stream) => stream.get_mut().1.refresh_traffic_keys(),
            Self::Server(stream) => stream.get_mut().1.refresh_traffic_keys(),
        };
    }
}

#[derive(Debug)]
struct Standstill;

impl TimeProvider for Standstill {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1 << 30)))
    }
}

/// Has a certificate for every name, signs without a key, and accepts every peer.
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
