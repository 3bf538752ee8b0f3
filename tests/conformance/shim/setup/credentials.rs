//! Certificates and their keys, and which of them is used.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pollback::next::rustls as next;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use super::{Handshake, unsupported};
use crate::options::Unimplemented;
use crate::settings::{Credential, Settings};

/// A certificate chain with its key, as rustls 0.23 has them.
pub(super) type Current = Arc<CertifiedKey>;

/// The same in rustls 0.24.
pub(super) type Next = next::crypto::Credentials;

/// Chooses the first credential that can sign with a scheme of the peer.
#[derive(Debug)]
pub(super) struct Resolver<K> {
    made_from: Vec<Credential>,
    choices: Vec<(i64, K)>,
    handshake: Handshake,
}

const DEFAULT: i64 = -1;

/// A certificate chain with its key, in one version of rustls.
pub(super) trait Load: Sized {
    type Provider;
    type Key;

    fn key(provider: &Self::Provider, key: PrivateKeyDer<'static>) -> Result<Self::Key, String>;

    /// Limits a key to `schemes`, in order of preference.
    fn limit(key: Self::Key, schemes: &[u16]) -> Self::Key;

    fn join(
        chain: Vec<CertificateDer<'static>>,
        key: Self::Key,
        ocsp: Option<Vec<u8>>,
    ) -> Result<Self, String>;
}

impl<K: Load> Resolver<K> {
    pub(super) fn new(
        provider: &K::Provider,
        settings: &Settings,
        handshake: &Handshake,
    ) -> Result<Self, Unimplemented> {
        let mut choices = Vec::new();
        for (index, credential) in (0..).zip(&settings.credentials) {
            choices.push((index, load(provider, credential, settings.no_ocsp)?));
        }
        if settings.default_credential.chain.is_some() {
            let key = load(provider, &settings.default_credential, settings.no_ocsp)?;
            choices.push((DEFAULT, key));
        }
        Ok(Self {
            made_from: credentials(settings),
            choices,
            handshake: handshake.clone(),
        })
    }
}

impl<K> Resolver<K> {
    pub(super) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Whether it has the credentials of `settings`.
    pub(super) fn is_for(&self, settings: &Settings) -> bool {
        self.made_from == credentials(settings)
    }

    /// The result of the first suitable credential.
    fn first<'a, T>(&'a self, can: impl Fn(&'a K) -> Option<T>) -> Option<T> {
        let mut able = self.choices.iter();
        let (index, found) = able.find_map(|(index, key)| can(key).map(|found| (*index, found)))?;
        self.handshake
            .observe(|observed| observed.credential = Some(index));
        Some(found)
    }
}

impl Resolver<Current> {
    fn choose(&self, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.first(|key| key.key.choose_scheme(schemes).map(|_| key.clone()))
            // If none fits, rustls sends an alert.
            .or_else(|| self.first(|key| Some(key.clone())))
    }
}

impl ResolvesServerCert for Resolver<Current> {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.signature_schemes())
    }
}

impl ResolvesClientCert for Resolver<Current> {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.choose(schemes)
    }

    fn has_certs(&self) -> bool {
        !self.is_empty()
    }
}

impl next::server::ServerCredentialResolver for Resolver<Next> {
    fn resolve(
        &self,
        hello: &next::server::ClientHello<'_>,
    ) -> Result<next::crypto::SelectedCredential, next::Error> {
        self.first(|key| key.signer(hello.signature_schemes()))
            .ok_or_else(|| next::error::PeerIncompatible::NoSignatureSchemesInCommon.into())
    }
}

impl next::client::ClientCredentialResolver for Resolver<Next> {
    fn resolve(
        &self,
        request: &next::client::CredentialRequest<'_>,
    ) -> Option<next::crypto::SelectedCredential> {
        self.first(|key| key.signer(request.signature_schemes()))
    }

    fn supported_certificate_types(&self) -> &'static [next::enums::CertificateType] {
        match self.is_empty() {
            true => &[],
            false => &[next::enums::CertificateType::X509],
        }
    }

    fn hash_config(&self, mut hasher: &mut dyn Hasher) {
        self.made_from.hash(&mut hasher);
    }
}

fn credentials(settings: &Settings) -> Vec<Credential> {
    let default = std::iter::once(&settings.default_credential);
    default.chain(&settings.credentials).cloned().collect()
}

fn load<K: Load>(
    provider: &K::Provider,
    credential: &Credential,
    no_ocsp: bool,
) -> Result<K, Unimplemented> {
    let missing = || unsupported("a credential without a chain or a key");
    let chain = credential.chain.as_ref().ok_or_else(missing)?;
    let key = credential.key.as_ref().ok_or_else(missing)?;
    let chain = CertificateDer::pem_file_iter(chain).map_err(unsupported)?;
    let chain = chain.collect::<Result<_, _>>().map_err(unsupported)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(unsupported)?;
    let mut key = K::key(provider, key).map_err(unsupported)?;
    if !credential.schemes.is_empty() {
        key = K::limit(key, &credential.schemes);
    }
    let ocsp = (!credential.ocsp.is_empty() && !no_ocsp).then(|| credential.ocsp.clone());
    K::join(chain, key, ocsp).map_err(unsupported)
}

/// A key that signs only with some schemes, in its own order of preference.
#[derive(Debug)]
struct Picky<K> {
    schemes: Vec<u16>,
    key: K,
}

impl<K> Picky<K> {
    /// Calls `choose` with the offered schemes, in order of preference, until one works.
    fn choose<S: Copy + PartialEq + From<u16>, T>(
        &self,
        offered: &[S],
        choose: impl Fn(S) -> Option<T>,
    ) -> Option<T> {
        let liked = self.schemes.iter().map(|&number| S::from(number));
        let mut offered = liked.filter(|scheme| offered.contains(scheme));
        offered.find_map(choose)
    }
}

impl Load for Current {
    type Provider = CryptoProvider;
    type Key = Arc<dyn SigningKey>;

    fn key(provider: &CryptoProvider, key: PrivateKeyDer<'static>) -> Result<Self::Key, String> {
        let key = provider.key_provider.load_private_key(key);
        key.map_err(|error| error.to_string())
    }

    fn limit(key: Self::Key, schemes: &[u16]) -> Self::Key {
        let schemes = schemes.to_vec();
        Arc::new(Picky { schemes, key })
    }

    fn join(
        chain: Vec<CertificateDer<'static>>,
        key: Self::Key,
        ocsp: Option<Vec<u8>>,
    ) -> Result<Self, String> {
        let mut certified = CertifiedKey::new(chain, key);
        certified.ocsp = ocsp;
        Ok(Arc::new(certified))
    }
}

impl SigningKey for Picky<Arc<dyn SigningKey>> {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        self.choose(offered, |scheme| self.key.choose_scheme(&[scheme]))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}

impl Load for Next {
    type Provider = next::crypto::CryptoProvider;
    type Key = Box<dyn next::crypto::SigningKey>;

    fn key(provider: &Self::Provider, key: PrivateKeyDer<'static>) -> Result<Self::Key, String> {
        let key = provider.key_provider.load_private_key(key);
        key.map_err(|error| error.to_string())
    }

    fn limit(key: Self::Key, schemes: &[u16]) -> Self::Key {
        let schemes = schemes.to_vec();
        Box::new(Picky { schemes, key })
    }

    fn join(
        chain: Vec<CertificateDer<'static>>,
        key: Self::Key,
        ocsp: Option<Vec<u8>>,
    ) -> Result<Self, String> {
        let identity = next::crypto::Identity::from_cert_chain(chain);
        let identity = identity.map_err(|error| format!("{error:?}"))?;
        let mut credentials = Self::new_unchecked(Arc::new(identity), key);
        credentials.ocsp = ocsp.map(Arc::from);
        Ok(credentials)
    }
}

impl next::crypto::SigningKey for Picky<Box<dyn next::crypto::SigningKey>> {
    fn choose_scheme(
        &self,
        offered: &[next::crypto::SignatureScheme],
    ) -> Option<Box<dyn next::crypto::Signer>> {
        self.choose(offered, |scheme| self.key.choose_scheme(&[scheme]))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        self.key.public_key()
    }
}
