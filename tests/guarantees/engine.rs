//! The differences between the engines of these tests: here rustls 0.23.

#[cfg(feature = "early-data")]
use pollback::rustls::crypto::{
    CryptoProvider,
    aws_lc_rs::{self, kx_group},
};
use pollback::rustls::server::Acceptor;
use pollback::{LazyConfigAcceptor, StartHandshake};
#[cfg(feature = "early-data")]
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::Version;
use pollback_testkit::pipe::End;

#[cfg(feature = "early-data")]
pub(crate) use pollback::rustls::PeerMisbehaved;
pub(crate) use pollback::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, ProtocolVersion, ServerConfig,
};
pub(crate) use pollback::{TlsAcceptor, TlsConnector, TlsStream, client, rustls, server};
pub(crate) use pollback_testkit::configs::Setup;

pub(crate) const UNKNOWN_CA: AlertDescription = AlertDescription::UnknownCA;

/// A session that is resumed after a second hello.
#[cfg(feature = "early-data")]
pub(crate) const RETRIED: rustls::HandshakeKind = rustls::HandshakeKind::Resumed;

/// The alert of a server for a client without a certificate.
pub(crate) fn no_certificate() -> Error {
    Error::NoCertificatesPresented
}

/// The most plaintext that a record holds (RFC 8446, section 5.1).
pub(crate) fn full_record(_: ProtocolVersion) -> usize {
    16_384
}

/// The number of the version.
pub(crate) fn wire(version: Version) -> ProtocolVersion {
    version.supported().version
}

pub(crate) fn lazy(io: End) -> LazyConfigAcceptor<End> {
    LazyConfigAcceptor::new(Acceptor::default(), io)
}

pub(crate) fn server_name(start: &StartHandshake<End>) -> Option<String> {
    start.client_hello().server_name().map(str::to_owned)
}

/// A TLS 1.3 server that supports no group for which clients send a key share.
#[cfg(feature = "early-data")]
pub(crate) fn with_another_group() -> ServerConfig {
    let provider = CryptoProvider {
        kx_groups: vec![kx_group::SECP384R1],
        ..aws_lc_rs::default_provider()
    };
    let identity = Authority::shared().server();
    ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[Version::Tls13.supported()])
        .expect("the provider has cipher suites for the version")
        .with_no_client_auth()
        .with_single_cert(identity.chain(), identity.key())
        .expect("a usable certificate")
}

/// How many certificates the client has presented.
pub(crate) fn client_certificates(server: &server::TlsStream<End>) -> usize {
    let certificates = server.get_ref().1.peer_certificates();
    certificates.map_or(0, <[_]>::len)
}

pub(crate) fn set_tickets(config: &mut ServerConfig, count: u8) {
    config.send_tls13_tickets = count.into();
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
