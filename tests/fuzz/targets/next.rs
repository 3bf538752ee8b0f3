//! Sessions on rustls 0.24, on both sides or on one.
//!
//! The cryptography is real here. What it makes has the same length every time, so an input still
//! does the same.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use pollback::Options;
use pollback::next::rustls::crypto::Identity;
use pollback::next::rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use pollback::next::rustls::{ClientConfig, RootCertStore, ServerConfig};
use pollback::next::{TlsAcceptor, TlsConnector, aws_lc_rs, client, server};
use pollback::rustls::crypto::aws_lc_rs::default_provider;
use pollback::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use pollback::rustls::{self, SupportedProtocolVersion};
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::configs::localhost;
use super::streams::{self, Begin, Stream, Transport};

/// A certificate whose signatures have one length (Ed25519), and its key.
fn identity() -> &'static (CertificateDer<'static>, Vec<u8>) {
    static IDENTITY: OnceLock<(CertificateDer<'static>, Vec<u8>)> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key");
        let names = vec!["localhost".to_owned()];
        let params = rcgen::CertificateParams::new(names).expect("a valid name");
        let certificate = params.self_signed(&key).expect("a certificate");
        (certificate.der().clone(), key.serialize_der())
    })
}

fn key() -> PrivatePkcs8KeyDer<'static> {
    identity().1.clone().into()
}

fn provider(is_tls13: bool) -> Arc<pollback::next::rustls::crypto::CryptoProvider> {
    let mut provider = aws_lc_rs::DEFAULT_PROVIDER;
    match is_tls13 {
        true => provider.tls12_cipher_suites = Cow::Borrowed(&[]),
        false => provider.tls13_cipher_suites = Cow::Borrowed(&[]),
    }
    Arc::new(provider)
}

fn client(is_tls13: bool) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(identity().0.clone()).expect("a valid root");
    let builder = ClientConfig::builder(provider(is_tls13)).with_root_certificates(roots);
    builder.with_no_client_auth().expect("a usable provider")
}

fn server(is_tls13: bool) -> ServerConfig {
    let chain = Identity::from_cert_chain(vec![identity().0.clone()]).expect("a certificate");
    ServerConfig::builder(provider(is_tls13))
        .with_no_client_auth()
        .with_single_cert(Arc::new(chain), key().into())
        .expect("a certificate and its key")
}

/// Configurations that have met before, as [`super::configs::acquainted`].
fn acquainted(accepted: bool) -> (ClientConfig, ServerConfig) {
    let (mut client, mut server) = (client(true), server(true));
    client.enable_early_data = true;
    server.max_early_data_size = 4096;
    server.session_storage = ServerSessionMemoryCache::new(8);
    let (near, far) = pipe(1 << 16);
    let connector = TlsConnector::from(Arc::new(client.clone()));
    let acceptor = TlsAcceptor::from(Arc::new(server.clone()));
    executor::join(
        async {
            let mut stream = connector
                .connect(localhost(), near)
                .await
                .expect("a server");
            stream.read_u8().await.expect("a byte");
        },
        async {
            let mut stream = acceptor.accept(far).await.expect("a client");
            stream.write_u8(b'.').await.expect("a write");
            stream.flush().await.expect("a flush");
        },
    );
    if !accepted {
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.max_early_data_size = 1 << 24;
    }
    (client, server)
}

/// Both sides of a session; `early` says whether early data is accepted, where the client has any.
pub(super) fn both(
    is_tls13: bool,
    early: Option<bool>,
    [of_client, of_server]: [Options; 2],
) -> (Begin, Begin) {
    let (client, server) = match early {
        Some(accepted) => acquainted(accepted),
        None => (client(is_tls13), server(is_tls13)),
    };
    (
        connect(client, early.is_some(), of_client),
        accept(server, of_server),
    )
}

/// A client on rustls 0.24 with a server on 0.23.
pub(super) fn with_a_current_server(
    is_tls13: bool,
    [of_client, of_server]: [Options; 2],
) -> (Begin, Begin) {
    let builder = rustls::ServerConfig::builder_with_provider(default_provider().into());
    let server = builder
        .with_protocol_versions(version(is_tls13))
        .expect("suites for each version")
        .with_no_client_auth()
        .with_single_cert(vec![identity().0.clone()], key().into())
        .expect("a certificate and its key");
    (
        connect(client(is_tls13), false, of_client),
        streams::accept(server, of_server),
    )
}

/// A client on rustls 0.23 with a server on 0.24.
pub(super) fn with_a_current_client(
    is_tls13: bool,
    [of_client, of_server]: [Options; 2],
) -> (Begin, Begin) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(identity().0.clone()).expect("a valid root");
    let builder = rustls::ClientConfig::builder_with_provider(default_provider().into());
    let client = builder
        .with_protocol_versions(version(is_tls13))
        .expect("suites for each version")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (
        streams::connect(client, false, of_client),
        accept(server(is_tls13), of_server),
    )
}

fn version(is_tls13: bool) -> &'static [&'static SupportedProtocolVersion] {
    const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
    const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    if is_tls13 { TLS13 } else { TLS12 }
}

fn connect(config: ClientConfig, early: bool, options: Options) -> Begin {
    let connector = TlsConnector::from(Arc::new(config)).early_data(early);
    let connector = connector.with_options(options);
    Box::new(move |io| {
        Box::pin(async move {
            let stream = connector.connect(localhost(), io).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    })
}

fn accept(config: ServerConfig, options: Options) -> Begin {
    let acceptor = TlsAcceptor::from(Arc::new(config)).with_options(options);
    Box::new(move |io| {
        Box::pin(async move {
            let stream = acceptor.accept(io).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    })
}

impl Stream for client::TlsStream<Box<dyn Transport>> {
    fn early_data(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn ask_for_new_keys(&mut self) {
        let _ = self.get_mut().1.refresh_traffic_keys();
    }
}

impl Stream for server::TlsStream<Box<dyn Transport>> {
    fn early_data(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn ask_for_new_keys(&mut self) {
        let _ = self.get_mut().1.refresh_traffic_keys();
    }
}
