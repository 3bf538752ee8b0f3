//! A verifier that accepts every chain, or none, but checks the signatures of the handshake.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pollback::next::rustls as next;
use pollback::next::rustls::client::danger as next_client;
use pollback::next::rustls::server::danger as next_server;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::{Handshake, chosen};
use crate::options::Unimplemented;
use crate::settings::Settings;

/// One for rustls 0.23.
pub(super) type Current = Verifier<WebPkiSupportedAlgorithms, SignatureScheme>;

/// One for rustls 0.24.
pub(super) type Next =
    Verifier<next::crypto::WebPkiSupportedAlgorithms, next::crypto::SignatureScheme>;

type NextInput<'a> = next_client::SignatureVerificationInput<'a>;
type NextValid = next_client::HandshakeSignatureValid;

#[derive(Debug)]
pub(super) struct Verifier<A, S> {
    algorithms: A,
    asked: Vec<u16>,
    schemes: Vec<S>,
    handshake: Handshake,
}

impl<A, S: Copy + Into<u16>> Verifier<A, S> {
    pub(super) fn new(
        algorithms: A,
        supported: &[S],
        settings: &Settings,
        handshake: &Handshake,
    ) -> Result<Self, Unimplemented> {
        let asked = settings.verify_schemes.clone();
        Ok(Self {
            algorithms,
            schemes: chosen("scheme", &asked, supported, |&scheme| scheme.into())?,
            asked,
            handshake: handshake.clone(),
        })
    }

    /// Whether it fits `settings`.
    pub(super) fn is_for(&self, settings: &Settings) -> bool {
        self.asked == settings.verify_schemes
    }

    fn rejects(&self) -> bool {
        self.handshake.state().rejects
    }

    fn is_mandatory(&self) -> bool {
        self.handshake.state().mandatory
    }

    fn note_scheme(&self, scheme: S) {
        self.handshake
            .observe(|observed| observed.scheme = Some(scheme.into()));
    }

    fn note_ocsp(&self, response: &[u8]) {
        self.handshake
            .observe(|observed| observed.ocsp = response.to_owned());
    }
}

impl Current {
    fn judge(&self) -> Result<(), Error> {
        match self.rejects() {
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
        self.note_scheme(signature.scheme);
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note_scheme(signature.scheme);
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }
}

impl ServerCertVerifier for Current {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.note_ocsp(ocsp);
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

impl ClientCertVerifier for Current {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory()
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

impl Next {
    fn judge<'a>(
        &self,
        identity: &next::crypto::Identity<'a>,
    ) -> Result<next::crypto::VerifiedIdentity<'a>, next::Error> {
        match self.rejects() {
            true => Err(next::error::CertificateError::ApplicationVerificationFailure.into()),
            false => Ok(next::crypto::VerifiedIdentity::assertion(identity.clone())),
        }
    }

    fn tls12(&self, input: &NextInput<'_>) -> Result<NextValid, next::Error> {
        self.note_scheme(input.signature.scheme);
        next::crypto::verify_tls12_signature(input, &self.algorithms)
    }

    fn tls13(&self, input: &NextInput<'_>) -> Result<NextValid, next::Error> {
        self.note_scheme(input.signature.scheme);
        next::crypto::verify_tls13_signature(input, &self.algorithms)
    }
}

impl next_client::ServerVerifier for Next {
    fn verify_identity<'a>(
        &self,
        server: &next_client::ServerIdentity<'a, '_>,
    ) -> Result<next::crypto::VerifiedIdentity<'a>, next::Error> {
        self.note_ocsp(server.ocsp_response);
        self.judge(server.identity)
    }

    fn verify_tls12_signature(&self, input: &NextInput<'_>) -> Result<NextValid, next::Error> {
        self.tls12(input)
    }

    fn verify_tls13_signature(&self, input: &NextInput<'_>) -> Result<NextValid, next::Error> {
        self.tls13(input)
    }

    fn supported_verify_schemes(&self) -> Vec<next::crypto::SignatureScheme> {
        self.schemes.clone()
    }

    fn request_ocsp_response(&self) -> bool {
        true
    }

    fn hash_config(&self, mut hasher: &mut dyn Hasher) {
        self.asked.hash(&mut hasher);
    }
}

impl next_server::ClientVerifier for Next {
    fn verify_identity<'a>(
        &self,
        client: &next_server::ClientIdentity<'a, '_>,
    ) -> Result<next::crypto::VerifiedIdentity<'a>, next::Error> {
        self.judge(client.identity)
    }

    fn verify_tls12_signature(&self, input: &NextInput<'_>) -> Result<NextValid, next::Error> {
        self.tls12(input)
    }

    fn verify_tls13_signature(&self, input: &NextInput<'_>) -> Result<NextValid, next::Error> {
        self.tls13(input)
    }

    fn root_hint_subjects(&self) -> Arc<[next::DistinguishedName]> {
        Arc::new([])
    }

    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory()
    }

    fn supported_verify_schemes(&self) -> Vec<next::crypto::SignatureScheme> {
        self.schemes.clone()
    }
}
