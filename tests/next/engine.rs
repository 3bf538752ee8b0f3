//! The differences between the engines of the tests in tests/guarantees: here rustls 0.24.

use std::borrow::Cow;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BufMut;
use pollback::next::rustls::crypto::{CryptoProvider, Identity};
use pollback::next::rustls::server::WebPkiClientVerifier;
use pollback::next::rustls::{ConnectionOutputs, RootCertStore};
use pollback::next::{LazyConfigAcceptor, StartHandshake, aws_lc_rs};
use pollback_testkit::certificates::{self, Authority};
use pollback_testkit::configs::Version;
use pollback_testkit::pipe::End;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};

pub(crate) use pollback::next::rustls::enums::ProtocolVersion;
pub(crate) use pollback::next::rustls::error::{
    AlertDescription, CertificateError, PeerMisbehaved,
};
pub(crate) use pollback::next::rustls::{ClientConfig, Error, ServerConfig};
pub(crate) use pollback::next::{TlsAcceptor, TlsConnector, client, rustls, server};

pub(crate) const UNKNOWN_CA: AlertDescription = AlertDescription::UnknownCa;

/// A session that is resumed after a second hello.
pub(crate) const RETRIED: rustls::HandshakeKind =
    rustls::HandshakeKind::ResumedWithHelloRetryRequest;

/// The alert of a server for a client without a certificate.
pub(crate) fn no_certificate() -> Error {
    PeerMisbehaved::NoCertificatesPresented.into()
}

/// The most plaintext that a record of rustls 0.24.0-dev.2 holds: the overhead of encryption also
/// counts, here that of AES-GCM.
pub(crate) fn full_record(version: ProtocolVersion) -> usize {
    match version {
        ProtocolVersion::TLSv1_3 => 16_384 - 17,
        _ => 16_384 - 24,
    }
}

/// The number of the version.
pub(crate) fn wire(version: Version) -> ProtocolVersion {
    match version {
        Version::Tls12 => ProtocolVersion::TLSv1_2,
        Version::Tls13 => ProtocolVersion::TLSv1_3,
    }
}

pub(crate) fn lazy(io: End) -> LazyConfigAcceptor<End> {
    LazyConfigAcceptor::new(io)
}

pub(crate) fn server_name(start: &StartHandshake<End>) -> Option<String> {
    let name = start.client_hello().server_name()?.as_ref().to_owned();
    Some(name)
}

/// A TLS 1.3 server that supports no group for which clients send a key share.
pub(crate) fn with_another_group() -> ServerConfig {
    let provider = CryptoProvider {
        kx_groups: Cow::Owned(vec![aws_lc_rs::kx_group::SECP384R1]),
        ..aws_lc_rs::DEFAULT_TLS13_PROVIDER
    };
    let identity = Authority::shared().server();
    ServerConfig::builder(Arc::new(provider))
        .with_no_client_auth()
        .with_single_cert(chain(&identity), identity.key())
        .expect("a usable certificate")
}

/// How many certificates the client has presented.
pub(crate) fn client_certificates(server: &server::TlsStream<End>) -> usize {
    usize::from(server.get_ref().1.peer_identity().is_some())
}

pub(crate) fn set_tickets(config: &mut ServerConfig, count: u8) {
    config.send_tls13_tickets.default = count.into();
}

pub(crate) fn tickets_received(client: &client::TlsStream<End>) -> u32 {
    client.get_ref().1.tls13_tickets_received()
}

/// Updates the keys, and requests that the other side does the same.
pub(crate) fn request_key_update(stream: &mut TlsStream<End>) {
    match stream {
        TlsStream::Client(stream) => stream.get_mut().1.refresh_traffic_keys(),
        TlsStream::Server(stream) => stream.get_mut().1.refresh_traffic_keys(),
    }
    .expect("an established TLS 1.3 connection");
}

/// The setup of the test kit, for rustls 0.24.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    version: Version,
    alpn: Vec<rustls::enums::ApplicationProtocol<'static>>,
    client_auth: bool,
    early_data: u32,
}

impl Setup {
    pub(crate) fn new(version: Version) -> Self {
        Self {
            version,
            alpn: Vec::new(),
            client_auth: false,
            early_data: 0,
        }
    }

    pub(crate) fn alpn(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec().into());
        self.alpn = protocols.collect();
        self
    }

    pub(crate) fn client_auth(mut self) -> Self {
        self.client_auth = true;
        self
    }

    pub(crate) fn is_client_auth(&self) -> bool {
        self.client_auth
    }

    pub(crate) fn early_data(mut self, limit: u32) -> Self {
        self.early_data = limit;
        self
    }

    pub(crate) fn client(&self) -> ClientConfig {
        self.client_trusting(Authority::shared())
    }

    pub(crate) fn client_trusting(&self, authority: &Authority) -> ClientConfig {
        let builder =
            ClientConfig::builder(provider(self.version)).with_root_certificates(roots(authority));
        let config = if self.client_auth {
            let identity = Authority::shared().client("test client");
            builder.with_client_auth_cert(chain(&identity), identity.key())
        } else {
            builder.with_no_client_auth()
        };
        let mut config = config.expect("a usable configuration");
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_early_data = self.early_data > 0;
        config
    }

    pub(crate) fn server(&self) -> ServerConfig {
        self.server_with(&Authority::shared().server())
    }

    pub(crate) fn server_with(&self, identity: &certificates::Identity) -> ServerConfig {
        let provider = provider(self.version);
        let builder = ServerConfig::builder(Arc::clone(&provider));
        let builder = if self.client_auth {
            let roots = Arc::new(roots(Authority::shared()));
            let verifier = WebPkiClientVerifier::builder(roots, &provider).build();
            builder.with_client_cert_verifier(Arc::new(verifier.expect("a usable root store")))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder
            .with_single_cert(chain(identity), identity.key())
            .expect("a usable server certificate");
        config.alpn_protocols.clone_from(&self.alpn);
        config.max_early_data_size = self.early_data;
        config
    }
}

/// The cryptography of one version, which in 0.24 also determines the version.
pub(crate) fn provider(version: Version) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::DEFAULT_PROVIDER;
    match version {
        Version::Tls12 => provider.tls13_cipher_suites = Cow::Borrowed(&[]),
        Version::Tls13 => provider.tls12_cipher_suites = Cow::Borrowed(&[]),
    }
    Arc::new(provider)
}

pub(crate) fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate()).expect("a valid root");
    roots
}

fn chain(identity: &certificates::Identity) -> Arc<Identity<'static>> {
    let chain = Identity::from_cert_chain(identity.chain());
    Arc::new(chain.expect("a certificate"))
}

/// A stream of either side.
#[derive(Debug)]
pub(crate) enum TlsStream<T> {
    Client(client::TlsStream<T>),
    Server(server::TlsStream<T>),
}

/// Performs an operation on the stream of either side.
macro_rules! on_either {
    ($either:expr, $stream:ident => $do:expr) => {
        match $either {
            TlsStream::Client($stream) => $do,
            TlsStream::Server($stream) => $do,
        }
    };
}

impl<T> TlsStream<T> {
    pub(crate) fn get_ref(&self) -> (&T, &ConnectionOutputs) {
        on_either!(self, stream => {
            let (io, connection) = stream.get_ref();
            (io, connection)
        })
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> TlsStream<T> {
    pub(crate) async fn end_tls(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.end_tls().await)
    }

    #[expect(
        clippy::result_large_err,
        reason = "the stream is returned where it was"
    )]
    pub(crate) fn into_transport(self) -> Result<T, (io::Error, Self)> {
        on_either!(self, stream => {
            stream.into_transport().map_err(|(error, stream)| (error, stream.into()))
        })
    }

    pub(crate) fn try_read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        on_either!(self, stream => stream.try_read(buf))
    }

    pub(crate) fn try_read_buf<B: BufMut>(&mut self, buf: &mut B) -> io::Result<usize> {
        on_either!(self, stream => stream.try_read_buf(buf))
    }

    pub(crate) fn try_write(&mut self, buf: &[u8]) -> io::Result<usize> {
        on_either!(self, stream => stream.try_write(buf))
    }

    pub(crate) fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        on_either!(self, stream => stream.try_write_vectored(bufs))
    }

    pub(crate) async fn readable(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.readable().await)
    }

    pub(crate) async fn writable(&mut self) -> io::Result<()> {
        on_either!(self, stream => stream.writable().await)
    }

    pub(crate) async fn ready(&mut self, interest: Interest) -> io::Result<Ready> {
        on_either!(self, stream => stream.ready(interest).await)
    }
}

impl<T> From<client::TlsStream<T>> for TlsStream<T> {
    fn from(stream: client::TlsStream<T>) -> Self {
        Self::Client(stream)
    }
}

impl<T> From<server::TlsStream<T>> for TlsStream<T> {
    fn from(stream: server::TlsStream<T>) -> Self {
        Self::Server(stream)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        on_either!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}
