//! Certificates and their keys, and which of them is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use super::unsupported;
use crate::options::Unimplemented;
use crate::settings::{Credential, Settings};

/// Takes the first credential that can sign as the peer wants it.
#[derive(Debug)]
pub(super) struct Resolver {
    made_from: Vec<Credential>,
    choices: Vec<(i64, Arc<CertifiedKey>)>,
    used: AtomicI64,
}

const DEFAULT: i64 = -1;
const NONE: i64 = -2;

impl Resolver {
    pub(super) fn new(
        provider: &CryptoProvider,
        settings: &Settings,
    ) -> Result<Self, Unimplemented> {
        let made_from = credentials(settings);
        let mut choices = Vec::new();
        for (index, credential) in (0..).zip(&settings.credentials) {
            choices.push((index, load(provider, credential, settings.no_ocsp)?));
        }
        if settings.default_credential.chain.is_some() {
            let key = load(provider, &settings.default_credential, settings.no_ocsp)?;
            choices.push((DEFAULT, key));
        }
        Ok(Self {
            made_from,
            choices,
            used: AtomicI64::new(NONE),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Whether it has the credentials of `settings`.
    pub(super) fn is_for(&self, settings: &Settings) -> bool {
        self.made_from == credentials(settings)
    }

    /// Begins with another connection.
    pub(super) fn begin(&self) {
        self.used.store(NONE, Ordering::Relaxed);
    }

    pub(super) fn used(&self) -> Option<i64> {
        let used = self.used.load(Ordering::Relaxed);
        (used != NONE).then_some(used)
    }

    fn choose(&self, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let fits = |(_, key): &&(i64, Arc<CertifiedKey>)| key.key.choose_scheme(schemes).is_some();
        // Where none fits, rustls has an alert that says so.
        let (index, key) = self.choices.iter().find(fits).or(self.choices.first())?;
        self.used.store(*index, Ordering::Relaxed);
        Some(key.clone())
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.signature_schemes())
    }
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.choose(schemes)
    }

    fn has_certs(&self) -> bool {
        !self.is_empty()
    }
}

fn credentials(settings: &Settings) -> Vec<Credential> {
    let default = std::iter::once(&settings.default_credential);
    default.chain(&settings.credentials).cloned().collect()
}

fn load(
    provider: &CryptoProvider,
    credential: &Credential,
    no_ocsp: bool,
) -> Result<Arc<CertifiedKey>, Unimplemented> {
    let missing = || unsupported("a credential that lacks its chain or its key");
    let chain = credential.chain.as_ref().ok_or_else(missing)?;
    let key = credential.key.as_ref().ok_or_else(missing)?;
    let chain = CertificateDer::pem_file_iter(chain).map_err(unsupported)?;
    let chain = chain.collect::<Result<_, _>>().map_err(unsupported)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unsupported)?;
    let mut key = provider
        .key_provider
        .load_private_key(key)
        .map_err(unsupported)?;
    if !credential.schemes.is_empty() {
        key = Arc::new(Picky {
            schemes: credential
                .schemes
                .iter()
                .copied()
                .map(SignatureScheme::from)
                .collect(),
            key,
        });
    }
    let mut certified = CertifiedKey::new(chain, key);
    certified.ocsp = (!credential.ocsp.is_empty() && !no_ocsp).then(|| credential.ocsp.clone());
    Ok(Arc::new(certified))
}

/// A key that signs only with some schemes, in an order of its own.
#[derive(Debug)]
struct Picky {
    schemes: Vec<SignatureScheme>,
    key: Arc<dyn SigningKey>,
}

impl SigningKey for Picky {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let mut liked = self
            .schemes
            .iter()
            .filter(|scheme| offered.contains(scheme));
        liked.find_map(|&scheme| self.key.choose_scheme(&[scheme]))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}
