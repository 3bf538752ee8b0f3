//! What connections of rustls 0.23 say of themselves.

use std::io;

use rustls::{ClientConnection, ConnectionCommon, HandshakeKind, ServerConnection};

use super::Negotiated;

/// A connection of one of the two sides.
pub(super) trait Side {
    fn negotiated(&self) -> Negotiated;
}

impl Side for ClientConnection {
    fn negotiated(&self) -> Negotiated {
        Negotiated {
            early_data_accepted: Some(self.is_early_data_accepted()),
            ..of_both(self)
        }
    }
}

impl Side for ServerConnection {
    fn negotiated(&self) -> Negotiated {
        Negotiated {
            server_name: self.server_name().map(str::to_owned),
            ..of_both(self)
        }
    }
}

fn of_both<D>(connection: &ConnectionCommon<D>) -> Negotiated {
    let kind = connection.handshake_kind();
    let peer_chain = connection.peer_certificates().unwrap_or_default();
    Negotiated {
        version: connection.protocol_version().map(u16::from),
        cipher: connection
            .negotiated_cipher_suite()
            .map(|suite| suite.suite().into()),
        group: connection
            .negotiated_key_exchange_group()
            .map(|group| group.name().into()),
        alpn: connection.alpn_protocol().map(<[u8]>::to_owned),
        resumed: kind == Some(HandshakeKind::Resumed),
        retry_request: kind == Some(HandshakeKind::FullWithHelloRetryRequest),
        server_name: None,
        peer_chain: peer_chain
            .iter()
            .map(|certificate| certificate.to_vec())
            .collect(),
        early_data_accepted: None,
    }
}

pub(super) fn export<D>(
    connection: &ConnectionCommon<D>,
    out: &mut [u8],
    label: &[u8],
    context: Option<&[u8]>,
) -> io::Result<()> {
    let exported = connection.export_keying_material(out, label, context);
    exported.map(|_| ()).map_err(io::Error::other)
}

pub(super) fn update_keys<D>(connection: &mut ConnectionCommon<D>) -> io::Result<()> {
    connection.refresh_traffic_keys().map_err(io::Error::other)
}
