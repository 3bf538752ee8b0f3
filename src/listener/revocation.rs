//! Checks revocation lists in the way that the verifier of clients will.

use std::sync::Arc;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom};
use rustls::pki_types::{CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::SigningKey;
use rustls::{Error, RootCertStore};

/// Fails if a verifier cannot read this list.
///
/// The program's own verifier would fail in the same way, but without naming the list.
pub(super) fn check(
    list: &CertificateRevocationListDer<'static>,
    roots: &Arc<RootCertStore>,
) -> Result<(), VerifierBuilderError> {
    let provider = Arc::new(CryptoProvider {
        cipher_suites: Vec::new(),
        kx_groups: Vec::new(),
        signature_verification_algorithms: WebPkiSupportedAlgorithms {
            all: &[],
            mapping: &[],
        },
        secure_random: &NoCryptography,
        key_provider: &NoCryptography,
    });
    WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider)
        .with_crls([list.clone()])
        .build()
        .map(drop)
}

/// Reading a list needs no cryptography, and the provider of the program is not known here.
#[derive(Debug)]
struct NoCryptography;

impl SecureRandom for NoCryptography {
    fn fill(&self, _: &mut [u8]) -> Result<(), GetRandomFailed> {
        Err(GetRandomFailed)
    }
}

impl KeyProvider for NoCryptography {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("no provider".to_owned()))
    }
}
