//! Queries of connections.

use std::io;
use std::ops::DerefMut;

use pollback::next;
use pollback::next::rustls::crypto::Identity;
use pollback::next::rustls::{
    ClientSide, ConnectionOutputs, Error, KeyingMaterialExporter, ServerSide,
};
use pollback::stream::TlsStream;
use rustls::{ClientConnection, ConnectionCommon, HandshakeKind, ServerConnection};

use super::joined_next::Divide;
use super::{Halves, Negotiated};
use crate::transport::Transport;

/// A connection of one of the two sides, in one version of rustls.
pub(super) trait Facts {
    fn is_handshaking(&self) -> bool;

    fn negotiated(&self) -> Negotiated;

    fn export(&mut self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()>;

    fn update_keys(&mut self) -> io::Result<()>;

    /// Owned halves of its stream, if it has them.
    fn into_halves(stream: TlsStream<Transport, Self>) -> Option<Halves>
    where
        Self: Sized,
    {
        drop(stream);
        None
    }
}

/// A side of a connection of rustls 0.23.
pub(super) trait Side {
    /// Adds what only this side knows.
    fn complete(&self, of_both: Negotiated) -> Negotiated;
}

impl Side for ClientConnection {
    fn complete(&self, of_both: Negotiated) -> Negotiated {
        Negotiated {
            early_data_accepted: Some(self.is_early_data_accepted()),
            ..of_both
        }
    }
}

impl Side for ServerConnection {
    fn complete(&self, of_both: Negotiated) -> Negotiated {
        Negotiated {
            server_name: self.server_name().map(str::to_owned),
            ..of_both
        }
    }
}

impl<C, D> Facts for C
where
    C: Side + DerefMut<Target = ConnectionCommon<D>>,
{
    fn is_handshaking(&self) -> bool {
        (**self).is_handshaking()
    }

    fn negotiated(&self) -> Negotiated {
        let kind = self.handshake_kind();
        let peer_chain = self.peer_certificates().unwrap_or_default();
        self.complete(Negotiated {
            version: self.protocol_version().map(u16::from),
            cipher: self
                .negotiated_cipher_suite()
                .map(|suite| suite.suite().into()),
            group: self
                .negotiated_key_exchange_group()
                .map(|group| group.name().into()),
            alpn: self.alpn_protocol().map(<[u8]>::to_owned),
            resumed: kind == Some(HandshakeKind::Resumed),
            retry_request: kind == Some(HandshakeKind::FullWithHelloRetryRequest),
            server_name: None,
            peer_chain: peer_chain
                .iter()
                .map(|certificate| certificate.to_vec())
                .collect(),
            early_data_accepted: None,
        })
    }

    fn export(&mut self, out: &mut [u8], label: &[u8], context: Option<&[u8]>) -> io::Result<()> {
        let exported = self.export_keying_material(out, label, context);
        exported.map(|_| ()).map_err(io::Error::other)
    }

    fn update_keys(&mut self) -> io::Result<()> {
        self.refresh_traffic_keys().map_err(io::Error::other)
    }
}

/// A side of a connection of rustls 0.24.
pub(super) trait NextSide {
    /// Adds what only this side knows.
    fn complete(&self, of_both: Negotiated) -> Negotiated;
}

impl NextSide for ClientSide {
    fn complete(&self, of_both: Negotiated) -> Negotiated {
        Negotiated {
            early_data_accepted: Some(self.is_early_data_accepted()),
            ..of_both
        }
    }
}

impl NextSide for ServerSide {
    fn complete(&self, of_both: Negotiated) -> Negotiated {
        Negotiated {
            server_name: self.server_name().map(|name| name.as_ref().to_owned()),
            ..of_both
        }
    }
}

/// What both sides know with rustls 0.24, and what only this side knows.
pub(super) fn negotiated(outputs: &ConnectionOutputs, side: &impl NextSide) -> Negotiated {
    use next::rustls::HandshakeKind;
    let kind = outputs.handshake_kind();
    let identity = outputs.peer_identity().map(|verified| verified.identity());
    side.complete(Negotiated {
        version: outputs.protocol_version().map(u16::from),
        cipher: outputs
            .negotiated_cipher_suite()
            .map(|suite| suite.suite().into()),
        group: outputs
            .negotiated_key_exchange_group()
            .map(|group| group.name().into()),
        alpn: outputs.alpn_protocol().map(|name| name.as_ref().to_owned()),
        resumed: matches!(
            kind,
            Some(HandshakeKind::Resumed | HandshakeKind::ResumedWithHelloRetryRequest)
        ),
        retry_request: kind == Some(HandshakeKind::FullWithHelloRetryRequest),
        server_name: None,
        peer_chain: match identity {
            Some(Identity::X509(chain)) => std::iter::once(&chain.end_entity)
                .chain(&chain.intermediates)
                .map(|certificate| certificate.to_vec())
                .collect(),
            _ => Vec::new(),
        },
        early_data_accepted: None,
    })
}

/// Exports keying material with rustls 0.24.
pub(super) fn export(
    exporter: Result<KeyingMaterialExporter, Error>,
    out: &mut [u8],
    label: &[u8],
    context: Option<&[u8]>,
) -> io::Result<()> {
    let exported = exporter.and_then(|exporter| exporter.derive(label, context, out));
    exported.map(|_| ()).map_err(io::Error::other)
}

/// Implemented for both sides, since pollback has no name for what they have in common.
macro_rules! next_facts {
    ($side:ty) => {
        impl Facts for next::Connection<$side> {
            fn is_handshaking(&self) -> bool {
                Self::is_handshaking(self)
            }

            fn negotiated(&self) -> Negotiated {
                negotiated(self, self.side())
            }

            fn export(
                &mut self,
                out: &mut [u8],
                label: &[u8],
                context: Option<&[u8]>,
            ) -> io::Result<()> {
                export(self.exporter(), out, label, context)
            }

            fn update_keys(&mut self) -> io::Result<()> {
                self.refresh_traffic_keys().map_err(io::Error::other)
            }

            fn into_halves(stream: TlsStream<Transport, Self>) -> Option<Halves> {
                Some(Divide::into_halves(stream))
            }
        }
    };
}

next_facts!(ClientSide);
next_facts!(ServerSide);
