//! What differs between the engines that these tests run over: here rustls 0.23.

use pollback::rustls::server::Acceptor;
use pollback::{LazyConfigAcceptor, StartHandshake};
use pollback_testkit::configs::Version;
use pollback_testkit::pipe::End;

pub(crate) use pollback::rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, ProtocolVersion, ServerConfig,
};
pub(crate) use pollback::{TlsAcceptor, TlsConnector, TlsStream, client, rustls, server};
pub(crate) use pollback_testkit::configs::Setup;

pub(crate) const UNKNOWN_CA: AlertDescription = AlertDescription::UnknownCA;

/// What a server says of a client that has no certificate.
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

/// How many certificates the client has shown.
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

/// Asks the other side for new keys, and to change its own.
pub(crate) fn request_key_update(stream: &mut TlsStream<End>) {
    match stream {
        TlsStream::Client(stream) => stream.get_mut().1.refresh_traffic_keys(),
        TlsStream::Server(stream) => stream.get_mut().1.refresh_traffic_keys(),
    }
    .expect("an established TLS 1.3 connection");
}
