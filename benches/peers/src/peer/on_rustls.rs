//! The peers on rustls: pollback and tokio-rustls, with the same configurations.

use std::io;
use std::sync::Arc;

use pollback::{Options, TlsAcceptor, TlsConnector};
use pollback_testkit::certificates::Authority;
use rustls::client::{Resumption, UnbufferedClientConnection};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::{ClientConfig, ServerConfig, version};

use super::unbuffered::Unbuffered;
use super::{Peer, Stream};

/// pollback.
#[derive(Clone)]
pub struct Pollback {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

/// tokio-rustls.
#[derive(Clone)]
pub struct TokioRustls {
    connector: tokio_rustls::TlsConnector,
    acceptor: tokio_rustls::TlsAcceptor,
}

/// The unbuffered connections of rustls, without most of what a stream needs.
#[derive(Clone)]
pub struct UnbufferedRustls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl UnbufferedRustls {
    /// Clients make records of at most `record` bytes of plaintext.
    pub fn new(record: Option<usize>) -> Self {
        Self {
            client: client_config(record),
            server: server_config(),
        }
    }
}

impl Pollback {
    /// Both ends use these options; clients make records of at most `record` bytes of plaintext.
    pub fn new(options: Options, record: Option<usize>) -> Self {
        Self {
            connector: TlsConnector::from(client_config(record)).with_options(options),
            acceptor: TlsAcceptor::from(server_config()).with_options(options),
        }
    }
}

impl TokioRustls {
    /// Clients make records of at most `record` bytes of plaintext.
    pub fn new(record: Option<usize>) -> Self {
        Self {
            connector: client_config(record).into(),
            acceptor: server_config().into(),
        }
    }
}

impl Peer for Pollback {
    type Client<T: Stream> = pollback::client::TlsStream<T>;
    type Server<T: Stream> = pollback::server::TlsStream<T>;

    async fn connect<T: Stream>(&self, transport: T) -> io::Result<Self::Client<T>> {
        self.connector.connect(name(), transport).await
    }

    async fn accept<T: Stream>(&self, transport: T) -> io::Result<Self::Server<T>> {
        self.acceptor.accept(transport).await
    }
}

impl Peer for UnbufferedRustls {
    type Client<T: Stream> = Unbuffered<UnbufferedClientConnection, T>;
    type Server<T: Stream> = Unbuffered<UnbufferedServerConnection, T>;

    async fn connect<T: Stream>(&self, transport: T) -> io::Result<Self::Client<T>> {
        let connection = UnbufferedClientConnection::new(Arc::clone(&self.client), name());
        Unbuffered::handshake(transport, connection.map_err(io::Error::other)?).await
    }

    async fn accept<T: Stream>(&self, transport: T) -> io::Result<Self::Server<T>> {
        let connection = UnbufferedServerConnection::new(Arc::clone(&self.server));
        Unbuffered::handshake(transport, connection.map_err(io::Error::other)?).await
    }
}

impl Peer for TokioRustls {
    type Client<T: Stream> = tokio_rustls::client::TlsStream<T>;
    type Server<T: Stream> = tokio_rustls::server::TlsStream<T>;

    async fn connect<T: Stream>(&self, transport: T) -> io::Result<Self::Client<T>> {
        self.connector.connect(name(), transport).await
    }

    async fn accept<T: Stream>(&self, transport: T) -> io::Result<Self::Server<T>> {
        self.acceptor.accept(transport).await
    }
}

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384],
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    })
}

/// What rustls counts towards the size of a record besides its plaintext.
const HEADER: usize = 5;

fn client_config(record: Option<usize>) -> Arc<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13])
        .expect("a cipher suite of TLS 1.3")
        .with_root_certificates(Authority::shared().roots())
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.max_fragment_size = record.map(|plaintext| plaintext + HEADER);
    Arc::new(config)
}

fn server_config() -> Arc<ServerConfig> {
    let identity = Authority::shared().server();
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&version::TLS13])
        .expect("a cipher suite of TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(identity.chain(), identity.key())
        .expect("a certificate and its key");
    Arc::new(config)
}
