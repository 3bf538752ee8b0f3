//! What a handshake has negotiated.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, HandshakeKind, NamedGroup, ProtocolVersion};

use crate::server::TlsStream;

/// The parameters that a handshake has negotiated, to be kept when the stream itself is passed to
/// an HTTP library.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandshakeData {
    /// The server name that the client requested.
    pub server_name: Option<Arc<str>>,
    /// The application protocol (ALPN).
    pub alpn: Option<Arc<[u8]>>,
    /// The protocol version.
    pub version: Option<ProtocolVersion>,
    /// The cipher suite.
    pub cipher_suite: Option<CipherSuite>,
    /// The key exchange group; `None` in a resumed handshake of TLS 1.2.
    pub group: Option<NamedGroup>,
    /// Whether the handshake was full or resumed.
    pub kind: Option<HandshakeKind>,
    /// The verified certificates of the client, its own certificate first.
    pub client_certificates: Option<Arc<[CertificateDer<'static>]>>,
}

impl HandshakeData {
    /// Returns the parameters that the handshake of this stream has negotiated.
    pub fn of<IO>(stream: &TlsStream<IO>) -> Self {
        let (_, connection) = stream.get_ref();
        Self {
            server_name: connection.server_name().map(Arc::from),
            alpn: connection.alpn_protocol().map(Arc::from),
            version: connection.protocol_version(),
            cipher_suite: connection
                .negotiated_cipher_suite()
                .map(|suite| suite.suite()),
            group: connection
                .negotiated_key_exchange_group()
                .map(|group| group.name()),
            kind: connection.handshake_kind(),
            client_certificates: connection
                .peer_certificates()
                .map(|chain| chain.iter().map(|one| one.clone().into_owned()).collect()),
        }
    }
}
