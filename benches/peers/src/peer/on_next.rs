//! pollback on rustls 0.24.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use pollback::Options;
use pollback::next::rustls::client::Resumption;
use pollback::next::rustls::crypto::{CipherSuite, CryptoProvider, Identity};
use pollback::next::rustls::pki_types::ServerName;
use pollback::next::rustls::{ClientConfig, RootCertStore, ServerConfig};
use pollback::next::{TlsAcceptor, TlsConnector, aws_lc_rs, client, server};
use pollback_testkit::certificates::Authority;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Halves, Peer, Splitter, Stream};

/// pollback on rustls 0.24.
#[derive(Clone)]
pub struct PollbackNext {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

impl PollbackNext {
    /// Both ends use these options; clients make records of at most `record` bytes of plaintext.
    pub fn new(options: Options, record: Option<usize>) -> Self {
        Self {
            connector: TlsConnector::from(client_config(record)).with_options(options),
            acceptor: TlsAcceptor::from(server_config()).with_options(options),
        }
    }
}

impl Peer for PollbackNext {
    type Client<T: Stream> = client::TlsStream<T>;
    type Server<T: Stream> = server::TlsStream<T>;

    async fn connect<T: Stream>(&self, transport: T) -> io::Result<Self::Client<T>> {
        let name = ServerName::try_from("localhost").expect("a valid name");
        self.connector.connect(name, transport).await
    }

    async fn accept<T: Stream>(&self, transport: T) -> io::Result<Self::Server<T>> {
        self.acceptor.accept(transport).await
    }

    fn split_client<T: Stream>(stream: Self::Client<T>, split: Splitter<T>) -> io::Result<Halves> {
        halves(stream.into_split_with(split))
    }

    fn split_server<T: Stream>(stream: Self::Server<T>, split: Splitter<T>) -> io::Result<Halves> {
        halves(stream.into_split_with(split))
    }
}

fn halves<R, W, S>(split: Result<(R, W), S>) -> io::Result<Halves>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    match split {
        Ok((reader, writer)) => Ok((Box::new(reader), Box::new(writer))),
        Err(_) => Err(io::Error::other("the handshake is not complete")),
    }
}

/// The same as for the other peers.
fn provider() -> Arc<CryptoProvider> {
    let suites = aws_lc_rs::DEFAULT_TLS13_CIPHER_SUITES.iter().copied();
    let mut provider = aws_lc_rs::DEFAULT_TLS13_PROVIDER;
    provider.tls13_cipher_suites = Cow::Owned(
        suites
            .filter(|suite| suite.common.suite == CipherSuite::TLS13_AES_256_GCM_SHA384)
            .collect(),
    );
    provider.kx_groups = Cow::Borrowed(X25519);
    Arc::new(provider)
}

const X25519: &[&dyn pollback::next::rustls::crypto::kx::SupportedKxGroup] =
    &[aws_lc_rs::kx_group::X25519];

/// What rustls counts towards the size of a record besides its plaintext: in this version also the
/// overhead of encryption.
const OVERHEAD: usize = 5 + 17;

fn client_config(record: Option<usize>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let authority = Authority::shared();
    roots.add(authority.certificate()).expect("a valid root");
    let mut config = ClientConfig::builder(provider())
        .with_root_certificates(roots)
        .with_no_client_auth()
        .expect("a usable provider");
    config.resumption = Resumption::disabled();
    config.max_fragment_size = record.map(|plaintext| plaintext + OVERHEAD);
    Arc::new(config)
}

fn server_config() -> Arc<ServerConfig> {
    let identity = Authority::shared().server();
    let chain = Identity::from_cert_chain(identity.chain()).expect("a certificate");
    let config = ServerConfig::builder(provider())
        .with_no_client_auth()
        .with_single_cert(Arc::new(chain), identity.key())
        .expect("a certificate and its key");
    Arc::new(config)
}
