//! Converts the results of rustls-ffi into errors.

use std::error::Error as StdError;
use std::fmt;

use rustls::AlertDescription;
use rustls_ffi::rustls_result;

use crate::error::{Error, ErrorKind};

/// A result of rustls-ffi other than `Ok`.
///
/// It is the source of the [`Error`] in an I/O error of an [`FfiConnection`](super::FfiConnection), so
/// [`Error::find`] returns its kind. rustls-ffi does not report everything that rustls knows: if the
/// two sides have no version or parameters in common, the kind is [`ErrorKind::Tls`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FfiError(rustls_result);

impl FfiError {
    /// Returns the result.
    pub fn result(self) -> rustls_result {
        self.0
    }
}

impl fmt::Display for FfiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for FfiError {}

/// Converts a result other than `Ok` into an error.
pub(super) fn error_of(result: rustls_result) -> Error {
    Error::because(kind_of(result), FfiError(result))
}

fn kind_of(result: rustls_result) -> ErrorKind {
    use rustls_result as R;
    match result {
        R::UnexpectedEof => ErrorKind::Truncated,
        R::MessageInvalidContentType | R::MessageUnknownProtocolVersion => ErrorKind::NotTls,
        R::CertNotValidForName => ErrorKind::WrongName,
        R::CertUnknownIssuer => ErrorKind::UnknownIssuer,
        R::CertExpired | R::CertNotYetValid => ErrorKind::Expired,
        R::NoApplicationProtocol => ErrorKind::NoCommonAlpn,
        R::NoCertificatesPresented => ErrorKind::Certificate,
        R::DecryptError
        | R::PeerSentOversizedRecord
        | R::PeerMisbehavedError
        | R::InappropriateMessage
        | R::InappropriateHandshakeMessage => ErrorKind::Misbehaved,
        // The others are matched by number, since results with the same cause are contiguous.
        other => match other as u32 {
            7121..=7131 | 7154 | 7156 | 7157 | 7400..7500 => ErrorKind::Certificate,
            7133..=7155 => ErrorKind::Misbehaved,
            number if is_alert(other) => match ALERTS.get((number - FIRST_ALERT) as usize) {
                Some(alert) => ErrorKind::Alert(*alert),
                None => ErrorKind::Tls,
            },
            _ => ErrorKind::Tls,
        },
    }
}

/// Whether the peer has sent an alert.
pub(super) fn is_alert(result: rustls_result) -> bool {
    (FIRST_ALERT..=rustls_result::AlertUnknown as u32).contains(&(result as u32))
}

const FIRST_ALERT: u32 = rustls_result::AlertCloseNotify as u32;

/// The alerts in the order of their results.
const ALERTS: [AlertDescription; 34] = [
    AlertDescription::CloseNotify,
    AlertDescription::UnexpectedMessage,
    AlertDescription::BadRecordMac,
    AlertDescription::DecryptionFailed,
    AlertDescription::RecordOverflow,
    AlertDescription::DecompressionFailure,
    AlertDescription::HandshakeFailure,
    AlertDescription::NoCertificate,
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::IllegalParameter,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    AlertDescription::DecodeError,
    AlertDescription::DecryptError,
    AlertDescription::ExportRestriction,
    AlertDescription::ProtocolVersion,
    AlertDescription::InsufficientSecurity,
    AlertDescription::InternalError,
    AlertDescription::InappropriateFallback,
    AlertDescription::UserCanceled,
    AlertDescription::NoRenegotiation,
    AlertDescription::MissingExtension,
    AlertDescription::UnsupportedExtension,
    AlertDescription::CertificateUnobtainable,
    AlertDescription::UnrecognisedName,
    AlertDescription::BadCertificateStatusResponse,
    AlertDescription::BadCertificateHashValue,
    AlertDescription::UnknownPSKIdentity,
    AlertDescription::CertificateRequired,
    AlertDescription::NoApplicationProtocol,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alert_is_that_of_rustls() {
        for (number, alert) in (FIRST_ALERT..).zip(ALERTS) {
            let result = rustls_result::from(number);
            assert_eq!(kind_of(result), ErrorKind::Alert(alert));
            let told = rustls::Error::AlertReceived(alert).to_string();
            assert_eq!(result.to_string(), told);
        }
        assert_eq!(kind_of(rustls_result::AlertUnknown), ErrorKind::Tls);
    }

    #[test]
    fn results_have_distinct_kinds() {
        use rustls_result as R;
        for (result, kind) in [
            (R::Panic, ErrorKind::Tls),
            (R::PeerIncompatibleError, ErrorKind::Tls),
            (R::CertEncodingBad, ErrorKind::Certificate),
            (R::CertOtherError, ErrorKind::Certificate),
            (R::CertUnknownRevocationStatus, ErrorKind::Certificate),
            (R::CertUnsupportedSignatureAlgorithm, ErrorKind::Certificate),
            (R::CertRevocationListBadSignature, ErrorKind::Certificate),
            (R::MessageHandshakePayloadTooLarge, ErrorKind::Misbehaved),
            (R::MessageInvalidOther, ErrorKind::Misbehaved),
            (R::MessageCertificatePayloadTooLarge, ErrorKind::Misbehaved),
            (R::ClientCertVerifierBuilderNoRootAnchors, ErrorKind::Tls),
        ] {
            assert_eq!(kind_of(result), kind, "{result:?}");
        }
    }

    #[test]
    fn the_result_is_the_source_of_the_error() {
        let error = error_of(rustls_result::CertExpired);
        let error = Error::find(&error).expect("an error of this crate");
        let source = error.source().expect("a source");
        let refused: &FfiError = source.downcast_ref().expect("a result");
        assert_eq!(refused.result(), rustls_result::CertExpired);
    }
}
