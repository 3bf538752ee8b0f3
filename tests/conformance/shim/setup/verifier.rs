//! A verifier that takes every chain, or none, but checks the signatures of the handshake.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::unsupported;
use crate::options::Unimplemented;
use crate::settings::Settings;

#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    asked: Vec<u16>,
    schemes: Vec<SignatureScheme>,
    rejects: AtomicBool,
    mandatory: AtomicBool,
    seen: Mutex<Seen>,
}

/// The scheme of the peer's signature, and the OCSP response beside its certificate.
type Seen = (Option<u16>, Vec<u8>);

impl Verifier {
    pub(super) fn new(
        provider: &Arc<CryptoProvider>,
        settings: &Settings,
    ) -> Result<Self, Unimplemented> {
        let supported = provider
            .signature_verification_algorithms
            .supported_schemes();
        let asked = settings.verify_schemes.clone();
        let schemes = asked.iter().map(|&number| {
            let scheme = SignatureScheme::from(number);
            let known = supported.contains(&scheme);
            known
                .then_some(scheme)
                .ok_or_else(|| unsupported(format!("scheme {number}")))
        });
        let schemes: Vec<_> = schemes.collect::<Result<_, _>>()?;
        Ok(Self {
            provider: provider.clone(),
            asked,
            schemes: if schemes.is_empty() {
                supported
            } else {
                schemes
            },
            rejects: AtomicBool::default(),
            mandatory: AtomicBool::default(),
            seen: Mutex::default(),
        })
    }

    /// Whether it offers what `settings` ask for.
    pub(super) fn is_for(&self, settings: &Settings) -> bool {
        self.asked == settings.verify_schemes
    }

    /// Begins with another connection.
    pub(super) fn begin(&self, settings: &Settings) {
        self.rejects
            .store(settings.reject_certificate, Ordering::Relaxed);
        self.mandatory
            .store(settings.require_certificate, Ordering::Relaxed);
        *self.seen_mut() = Seen::default();
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen_mut().clone()
    }

    fn seen_mut(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self) -> Result<(), Error> {
        match self.rejects.load(Ordering::Relaxed) {
            true => Err(CertificateError::ApplicationVerificationFailure.into()),
            false => Ok(()),
        }
    }

    fn tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.seen_mut().0 = Some(signature.scheme.into());
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.seen_mut().0 = Some(signature.scheme.into());
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.seen_mut().1 = ocsp.to_owned();
        self.judge().map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory.load(Ordering::Relaxed)
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge().map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
