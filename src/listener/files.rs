//! Configurations from PEM files.

use std::collections::hash_map::RandomState;
use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};

use super::SharedConfig;
use super::items::{Key, Texts};
use super::load_error::{LoadError, PemPart};
use crate::error::causes;

type BoxError = Box<dyn StdError + Send + Sync>;

type Build = dyn Fn(
        Vec<CertificateDer<'static>>,
        PrivateKeyDer<'static>,
        ClientAuthorities,
    ) -> Result<ServerConfig, BoxError>
    + Send
    + Sync;

/// A certificate chain and its private key in PEM files, and how to build a configuration from them.
///
/// Files are loaded completely or not at all: an item that cannot be read is never skipped, but is
/// an error that names the file, the item and its line. Text between the sections, parameters,
/// public keys and certificate requests are ignored, as are private keys in a file that is read for
/// certificates, and certificates in a file that is read for a key. If a file contains several
/// private keys, the one that belongs to the certificate is used.
///
/// [`reload`](Self::reload) loads the files again, for example on a signal; [`watch`](Self::watch) does
/// so whenever their contents have changed. Clones share the files and the function.
///
/// ```no_run
/// use pollback::listener::{PemFiles, SharedConfig};
/// use pollback::rustls::ServerConfig;
/// use std::time::Duration;
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let files = PemFiles::new("server.pem", "server.key", |chain, key| {
///     ServerConfig::builder()
///         .with_no_client_auth()
///         .with_single_cert(chain, key)
/// });
/// let config = SharedConfig::new(files.load()?);
/// tokio::spawn(files.watch(config.clone(), Duration::from_secs(10), |reloaded| {
///     if let Err(error) = reloaded {
///         eprintln!("still serving the old certificate: {error}");
///     }
/// }));
/// // Pass `config` to a `TlsListener`.
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PemFiles(Arc<Files>);

struct Files {
    chain: PathBuf,
    key: PathBuf,
    clients: Option<ClientFiles>,
    build: Box<Build>,
    hasher: RandomState,
    /// The fingerprint of the contents that were loaded last.
    loaded: Mutex<Option<u64>>,
}

/// The PEM files that the certificates of clients are verified with.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    roots: PathBuf,
    revocation_lists: Vec<PathBuf>,
}

/// The authorities that issue client certificates: the contents of [`ClientFiles`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientAuthorities {
    /// The root certificates.
    pub roots: Arc<RootCertStore>,
    /// The revocation lists.
    pub revocation_lists: Vec<CertificateRevocationListDer<'static>>,
}

impl ClientFiles {
    /// Names the file `roots`, which contains the root certificates.
    pub fn new(roots: impl Into<PathBuf>) -> Self {
        Self {
            roots: roots.into(),
            revocation_lists: Vec::new(),
        }
    }

    /// Adds the file `path`, which contains revocation lists. It may be the file of the root
    /// certificates.
    #[must_use]
    pub fn with_revocation_lists(mut self, path: impl Into<PathBuf>) -> Self {
        self.revocation_lists.push(path.into());
        self
    }
}

impl PemFiles {
    /// Names the files of the certificate chain, the server's own certificate first, and of the private
    /// key, and the function that builds a configuration from them. Both may be in the same file.
    ///
    /// `build` may return any error. If it fails because the key does not belong to the
    /// certificate, and the file has another one, it is called again with that.
    pub fn new<F, E>(chain: impl Into<PathBuf>, key: impl Into<PathBuf>, build: F) -> Self
    where
        F: Fn(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) -> Result<ServerConfig, E>,
        F: Send + Sync + 'static,
        E: Into<BoxError>,
    {
        Self::of(chain.into(), key.into(), None, move |chain, key, _| {
            build(chain, key).map_err(Into::into)
        })
    }

    /// Like [`new`](Self::new), with the files that clients are verified with.
    ///
    /// ```no_run
    /// use pollback::listener::{ClientFiles, PemFiles};
    /// use pollback::rustls::ServerConfig;
    /// use pollback::rustls::server::WebPkiClientVerifier;
    /// use std::error::Error;
    ///
    /// let clients = ClientFiles::new("roots.pem").with_revocation_lists("revoked.pem");
    /// let files = PemFiles::with_client_auth("server.pem", "server.key", clients, |chain, key, clients| {
    ///     let verifier = WebPkiClientVerifier::builder(clients.roots)
    ///         .with_crls(clients.revocation_lists)
    ///         .build()?;
    ///     let config = ServerConfig::builder()
    ///         .with_client_cert_verifier(verifier)
    ///         .with_single_cert(chain, key)?;
    ///     Ok::<_, Box<dyn Error + Send + Sync>>(config)
    /// });
    /// ```
    pub fn with_client_auth<F, E>(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        clients: ClientFiles,
        build: F,
    ) -> Self
    where
        F: Fn(
            Vec<CertificateDer<'static>>,
            PrivateKeyDer<'static>,
            ClientAuthorities,
        ) -> Result<ServerConfig, E>,
        F: Send + Sync + 'static,
        E: Into<BoxError>,
    {
        let build = move |chain, key, clients| build(chain, key, clients).map_err(Into::into);
        Self::of(chain.into(), key.into(), Some(clients), build)
    }

    fn of<F>(chain: PathBuf, key: PathBuf, clients: Option<ClientFiles>, build: F) -> Self
    where
        F: Fn(
            Vec<CertificateDer<'static>>,
            PrivateKeyDer<'static>,
            ClientAuthorities,
        ) -> Result<ServerConfig, BoxError>,
        F: Send + Sync + 'static,
    {
        Self(Arc::new(Files {
            chain,
            key,
            clients,
            build: Box::new(build),
            hasher: RandomState::new(),
            loaded: Mutex::new(None),
        }))
    }

    /// Loads the files and builds a configuration. Blocks for as long as the file system takes.
    ///
    /// # Errors
    ///
    /// If a file or an item in it cannot be read, if the key does not belong to the certificate, or
    /// if the function that builds the configuration fails.
    pub fn load(&self) -> Result<ServerConfig, LoadError> {
        self.0.build(&self.0.read())
    }

    /// Loads the files and replaces `config` with a configuration built from them. Blocks for as
    /// long as the file system takes.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load). `config` is then not changed.
    pub fn reload(&self, config: &SharedConfig) -> Result<(), LoadError> {
        config.replace(self.load()?);
        Ok(())
    }

    pub(super) fn read(&self) -> (Texts, u64) {
        let texts = self.0.read();
        let fingerprint = texts.fingerprint(&self.0.hasher);
        (texts, fingerprint)
    }

    pub(super) fn build(&self, texts: &Texts) -> Result<ServerConfig, LoadError> {
        self.0.build(texts)
    }

    /// Returns the fingerprint of the contents that were loaded last.
    pub(super) fn loaded(&self) -> Option<u64> {
        *self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// Each file, with the part it is read for.
    fn parts(&self) -> impl Iterator<Item = (PemPart, &Path)> {
        let own = [(PemPart::Chain, &*self.chain), (PemPart::Key, &*self.key)];
        let clients = self.clients.iter().flat_map(|clients| {
            let lists = clients.revocation_lists.iter();
            std::iter::once((PemPart::ClientRoots, &*clients.roots))
                .chain(lists.map(|path| (PemPart::RevocationLists, &**path)))
        });
        own.into_iter().chain(clients)
    }

    fn read(&self) -> Texts {
        Texts::read(self.parts().map(|(_, path)| path))
    }

    fn build(&self, texts: &Texts) -> Result<ServerConfig, LoadError> {
        let (mut chain, mut keys) = (Vec::new(), Vec::new());
        let mut roots = Arc::new(RootCertStore::empty());
        let mut revocation_lists = Vec::new();
        for (part, path) in self.parts() {
            let others: Vec<_> = self
                .parts()
                .filter_map(|(part, other)| (other == path).then_some(part))
                .collect();
            match part {
                PemPart::Key => keys = texts.keys(path, &others)?,
                PemPart::ClientRoots => roots = Arc::new(texts.roots(path, &others)?),
                PemPart::RevocationLists => {
                    revocation_lists.extend(texts.revocation_lists(path, &others, &roots)?);
                }
                _ => chain = texts.chain(path, &others)?,
            }
        }
        let clients = ClientAuthorities {
            roots,
            revocation_lists,
        };
        let config = self.build_with(&chain, keys, &clients)?;
        let loaded = texts.fingerprint(&self.hasher);
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        Ok(config)
    }

    /// Builds the configuration with the key that belongs to the certificate.
    fn build_with(
        &self,
        chain: &[CertificateDer<'static>],
        keys: Vec<Key>,
        clients: &ClientAuthorities,
    ) -> Result<ServerConfig, LoadError> {
        let mut mismatch = None;
        for key in keys {
            let error = match (self.build)(chain.to_vec(), key.der.clone_key(), clients.clone()) {
                Ok(config) => return Ok(config),
                Err(error) => error,
            };
            if is_mismatch(&*error) {
                mismatch.get_or_insert(error);
                continue;
            }
            return Err(match is_unreadable_key(&*error) {
                true => LoadError::flaw(PemPart::Key, &self.key, key.rejected(error)),
                false => LoadError::new(PemPart::Configuration, &[], error),
            });
        }
        let error = mismatch.unwrap_or_else(|| "no private key".into());
        let paths: &[&Path] = match self.chain == self.key {
            true => &[&self.chain],
            false => &[&self.chain, &self.key],
        };
        Err(LoadError::new(PemPart::Both, paths, error))
    }
}

/// Whether it was caused by a key that does not belong to the certificate.
fn is_mismatch(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(rustls::Error::InconsistentKeys(
                InconsistentKeys::KeyMismatch
            ))
        )
    })
}

/// Whether it was caused by a key that the provider cannot read. rustls reports that only as text.
fn is_unreadable_key(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| match cause.downcast_ref() {
        Some(rustls::Error::General(words)) => words.contains("private key"),
        _ => false,
    })
}

impl fmt::Debug for PemFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemFiles")
            .field("chain", &self.0.chain)
            .field("key", &self.0.key)
            .field("clients", &self.0.clients)
            .finish_non_exhaustive()
    }
}
