//! Certificates from files.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::SharedConfig;

/// A certificate chain and its key in PEM files, and how a configuration is made of them.
///
/// Nothing watches the files: call [`reload`](Self::reload) when you know that they have changed, on
/// a signal, say.
///
/// ```no_run
/// use pollback::listener::{PemFiles, SharedConfig};
/// use pollback::rustls::ServerConfig;
/// # #[cfg(unix)] {
/// use tokio::signal::unix::{SignalKind, signal};
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let files = PemFiles::new("server.pem", "server.key", |chain, key| {
///     ServerConfig::builder()
///         .with_no_client_auth()
///         .with_single_cert(chain, key)
/// });
/// let config = SharedConfig::new(files.load()?);
/// // Hand a clone of `config` to a `TlsListener`.
///
/// let mut hangups = signal(SignalKind::hangup())?;
/// while hangups.recv().await.is_some() {
///     if let Err(error) = files.reload(&config) {
///         eprintln!("still serving the old certificate: {error}");
///     }
/// }
/// # Ok(())
/// # }
/// # }
/// ```
pub struct PemFiles<F> {
    chain: PathBuf,
    key: PathBuf,
    build: F,
}

impl<F> PemFiles<F>
where
    F: Fn(
        Vec<CertificateDer<'static>>,
        PrivateKeyDer<'static>,
    ) -> Result<ServerConfig, rustls::Error>,
{
    /// Takes the chain, the server's own certificate first, and the key from these files, which may
    /// be one and the same, and makes a configuration of them with `build`.
    pub fn new(chain: impl Into<PathBuf>, key: impl Into<PathBuf>, build: F) -> Self {
        Self {
            chain: chain.into(),
            key: key.into(),
            build,
        }
    }

    /// Reads the files. Blocks, for as long as the file system takes.
    ///
    /// # Errors
    ///
    /// A file cannot be read or holds nothing of the kind, or no configuration can be made: the key
    /// does not go with the certificate, say.
    pub fn load(&self) -> Result<ServerConfig, LoadError> {
        let chain = CertificateDer::pem_file_iter(&self.chain)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| LoadError::new(PemPart::Chain, &self.chain, error))?;
        if chain.is_empty() {
            let error = pem::Error::NoItemsFound;
            return Err(LoadError::new(PemPart::Chain, &self.chain, error));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| LoadError::new(PemPart::Key, &self.key, error))?;
        (self.build)(chain, key).map_err(|error| LoadError::new(PemPart::Both, &self.chain, error))
    }

    /// Reads the files and puts what they make in the place of `config`. Blocks, for as long as the
    /// file system takes.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load). `config` is then left as it is.
    pub fn reload(&self, config: &SharedConfig) -> Result<(), LoadError> {
        config.replace(self.load()?);
        Ok(())
    }
}

impl<F> fmt::Debug for PemFiles<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemFiles")
            .field("chain", &self.chain)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What [`PemFiles`] are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemPart {
    /// The certificate chain.
    Chain,
    /// The private key.
    Key,
    /// The two together, as a configuration.
    Both,
}

/// Why no configuration could be made of some files. Its source says what is wrong.
#[derive(Debug)]
pub struct LoadError {
    part: PemPart,
    path: PathBuf,
    source: Box<dyn StdError + Send + Sync>,
}

impl LoadError {
    fn new(part: PemPart, path: &Path, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            part,
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// What could not be had, also where the chain and the key are in one file.
    pub fn part(&self) -> PemPart {
        self.part
    }

    /// The file that cannot be used; that of the certificates if the two do not go together.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            PemPart::Chain => "the certificate chain",
            PemPart::Key => "the key",
            PemPart::Both => "the chain with the key",
        };
        write!(f, "{}: {part}: {}", self.path.display(), self.source)
    }
}

impl StdError for LoadError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}
