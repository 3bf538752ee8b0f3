//! The failures of rustls 0.24, as kinds.

use rustls_next::Error as Tls;
use rustls_next::error::{CertificateError, InvalidMessage, PeerIncompatible, PeerMisbehaved};

use super::{Error, ErrorKind};

impl From<Tls> for Error {
    fn from(error: Tls) -> Self {
        Self::because(kind_of(&error), error)
    }
}

fn kind_of(error: &Tls) -> ErrorKind {
    match error {
        Tls::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => ErrorKind::NotTls,
        Tls::InvalidCertificate(reason) => kind_of_certificate(reason),
        Tls::InvalidCertRevocationList(_)
        | Tls::PeerMisbehaved(PeerMisbehaved::NoCertificatesPresented) => ErrorKind::Certificate,
        Tls::PeerIncompatible(reason) => match reason {
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled => ErrorKind::NoCommonVersion,
            PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
            | PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoEcPointFormatsInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon => ErrorKind::NoCommonParameters,
            _ => ErrorKind::Incompatible,
        },
        Tls::NoApplicationProtocol => ErrorKind::NoCommonAlpn,
        // Both versions of the type are a byte.
        Tls::AlertReceived(alert) => ErrorKind::Alert(alert.0.into()),
        Tls::InvalidMessage(_)
        | Tls::InappropriateMessage { .. }
        | Tls::InappropriateHandshakeMessage { .. }
        | Tls::PeerMisbehaved(_)
        | Tls::PeerSentOversizedRecord
        | Tls::DecryptError => ErrorKind::Misbehaved,
        _ => ErrorKind::Tls,
    }
}

fn kind_of_certificate(reason: &CertificateError) -> ErrorKind {
    match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ErrorKind::WrongName
        }
        CertificateError::UnknownIssuer => ErrorKind::UnknownIssuer,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => ErrorKind::Expired,
        _ => ErrorKind::Certificate,
    }
}
