//! The items of PEM files: certificates, keys and revocation lists.

use std::error::Error as StdError;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;

use super::load_error::{LoadError, PemPart};
use super::pem::{self, Flaw, Section};
use super::revocation;

const ENCRYPTED: &str = "the key is encrypted, and only unencrypted keys are supported";

/// The contents of files, each read once to get a consistent state.
pub(super) struct Texts(Vec<(PathBuf, io::Result<Vec<u8>>)>);

impl Texts {
    pub(super) fn read<'a>(paths: impl Iterator<Item = &'a Path>) -> Self {
        let mut texts: Vec<(PathBuf, _)> = Vec::new();
        for path in paths {
            if texts.iter().all(|(read, _)| read != path) {
                texts.push((path.to_owned(), std::fs::read(path)));
            }
        }
        Self(texts)
    }

    /// Returns a number that differs, in all likelihood, when the contents of the files do.
    pub(super) fn fingerprint(&self, hasher: &RandomState) -> u64 {
        let contents = self
            .0
            .iter()
            .map(|(_, text)| text.as_ref().map_err(io::Error::kind));
        hasher.hash_one(contents.collect::<Vec<_>>())
    }

    /// Reads the file at `path` for one part, and fails unless it can use everything that may have
    /// been meant for that part. `others` are the parts that the same file is read for.
    fn items(
        &self,
        part: PemPart,
        path: &Path,
        others: &[PemPart],
    ) -> Result<Vec<Section>, LoadError> {
        let text = match self.0.iter().find(|(read, _)| read == path) {
            Some((_, Ok(text))) => text,
            Some((_, Err(error))) => {
                let error = io::Error::new(error.kind(), error.to_string());
                return Err(LoadError::new(part, &[path], error));
            }
            None => return Err(LoadError::new(part, &[path], "the file was not read")),
        };
        let flawed = |flaw| LoadError::flaw(part, path, flaw);
        let mut items = Vec::new();
        for section in pem::sections(text).map_err(flawed)? {
            if Kind::of(&section).is_wanted(part, others).map_err(|what| {
                flawed(Flaw::new(
                    section.line,
                    format!("{}: {what}", section.label),
                ))
            })? {
                items.push(section);
            }
        }
        if items.is_empty() {
            let der = if text.starts_with(&[0x30]) {
                ": it may be DER"
            } else {
                ""
            };
            let what = match part {
                PemPart::Key => "no private key",
                PemPart::RevocationLists => "no revocation list",
                _ => "no certificate",
            };
            let error = io::Error::new(io::ErrorKind::InvalidData, format!("{what} in it{der}"));
            return Err(LoadError::new(part, &[path], error));
        }
        Ok(items)
    }

    /// Returns the certificates of a chain, the server's own certificate first.
    pub(super) fn chain(
        &self,
        path: &Path,
        others: &[PemPart],
    ) -> Result<Vec<CertificateDer<'static>>, LoadError> {
        let flawed = |flaw| LoadError::flaw(PemPart::Chain, path, flaw);
        let sections = self.items(PemPart::Chain, path, others)?;
        let mut chain = Vec::new();
        for section in &sections {
            let certificate = certificate(section).map_err(flawed)?;
            // The other certificates are only passed on, and need not be readable here.
            if chain.is_empty() {
                ParsedCertificate::try_from(&certificate)
                    .map_err(|error| flawed(numbered(section, "certificate", 1, error)))?;
            }
            chain.push(certificate);
        }
        Ok(chain)
    }

    /// Returns the private keys of a file, of which there should be one.
    pub(super) fn keys(&self, path: &Path, others: &[PemPart]) -> Result<Vec<Key>, LoadError> {
        let sections = self.items(PemPart::Key, path, others)?;
        let keys = sections.into_iter().map(Key::of).collect::<Result<_, _>>();
        keys.map_err(|flaw| LoadError::flaw(PemPart::Key, path, flaw))
    }

    /// Returns the root certificates of a file.
    pub(super) fn roots(
        &self,
        path: &Path,
        others: &[PemPart],
    ) -> Result<RootCertStore, LoadError> {
        let flawed = |flaw| LoadError::flaw(PemPart::ClientRoots, path, flaw);
        let sections = self.items(PemPart::ClientRoots, path, others)?;
        let mut roots = RootCertStore::empty();
        for (before, section) in sections.iter().enumerate() {
            let certificate = certificate(section).map_err(flawed)?;
            roots
                .add(certificate)
                .map_err(|error| flawed(numbered(section, "certificate", before + 1, error)))?;
        }
        Ok(roots)
    }

    /// Returns the revocation lists of a file, for a verifier with these roots.
    pub(super) fn revocation_lists(
        &self,
        path: &Path,
        others: &[PemPart],
        roots: &Arc<RootCertStore>,
    ) -> Result<Vec<CertificateRevocationListDer<'static>>, LoadError> {
        let flawed = |flaw| LoadError::flaw(PemPart::RevocationLists, path, flaw);
        let sections = self.items(PemPart::RevocationLists, path, others)?;
        let mut lists = Vec::new();
        for section in &sections {
            let list = section.decode("X509 CRL").map_err(flawed)?.into();
            let number = lists.len() + 1;
            revocation::check(&list, roots)
                .map_err(|error| flawed(numbered(section, "revocation list", number, error)))?;
            lists.push(list);
        }
        Ok(lists)
    }
}

fn certificate(section: &Section) -> Result<CertificateDer<'static>, Flaw> {
    section.decode("CERTIFICATE").map(Into::into)
}

/// A private key, and where it was found.
pub(super) struct Key {
    pub(super) der: PrivateKeyDer<'static>,
    section: Section,
}

impl Key {
    fn of(section: Section) -> Result<Self, Flaw> {
        let der = section.decode(&section.label)?;
        // PKCS #8 begins with a version, its encrypted form with the algorithm, a SEQUENCE.
        if section.label == "PRIVATE KEY"
            && pem::sequence(&der).is_some_and(|body| body.starts_with(&[0x30]))
        {
            return Err(Flaw::new(
                section.line,
                format!("{}: {ENCRYPTED}", section.label),
            ));
        }
        let der = match section.label.as_str() {
            "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(der.into()),
            "EC PRIVATE KEY" => PrivateKeyDer::Sec1(der.into()),
            _ => PrivateKeyDer::Pkcs8(der.into()),
        };
        Ok(Self { der, section })
    }

    /// The reason why a provider cannot read a key.
    pub(super) fn rejected(&self, error: Box<dyn StdError + Send + Sync>) -> Flaw {
        Flaw::rejected(self.section.line, &self.section.label, error)
    }
}

fn numbered(
    section: &Section,
    item: &str,
    number: usize,
    error: impl StdError + Send + Sync + 'static,
) -> Flaw {
    Flaw::rejected(section.line, &format!("{item} {number}"), error)
}

/// What a section holds.
enum Kind {
    Certificate,
    Key,
    EncryptedKey,
    /// A key in a format that rustls does not read.
    OtherKey,
    RevocationList,
    /// Often found in the same files, and not needed here.
    Parameters,
    /// May contain something needed, but in an unsupported format.
    Other(&'static str),
}

impl Kind {
    fn of(section: &Section) -> Self {
        match section.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => Self::Certificate,
            "ENCRYPTED PRIVATE KEY" => Self::EncryptedKey,
            label if label.ends_with("PRIVATE KEY") && section.encrypted => Self::EncryptedKey,
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Self::Key,
            label if label.ends_with("PRIVATE KEY") => Self::OtherKey,
            "X509 CRL" => Self::RevocationList,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::Parameters,
            label if label.ends_with(" PARAMETERS") || label.ends_with("PUBLIC KEY") => {
                Self::Parameters
            }
            "TRUSTED CERTIFICATE" => {
                Self::Other("a certificate with OpenSSL's trust settings, which are not read")
            }
            "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => {
                Self::Other("PKCS #7, which may hold certificates and is not read")
            }
            _ => Self::Other("not a certificate, private key or revocation list"),
        }
    }

    /// Whether it is to be used for `part`. If not, it is ignored.
    fn is_wanted(&self, part: PemPart, others: &[PemPart]) -> Result<bool, &'static str> {
        let also = |other| others.contains(&other);
        match (self, part) {
            (Self::Certificate, PemPart::Chain | PemPart::ClientRoots)
            | (Self::Key, PemPart::Key)
            | (Self::RevocationList, PemPart::RevocationLists) => Ok(true),
            (Self::EncryptedKey, PemPart::Key) => Err(ENCRYPTED),
            (Self::OtherKey, PemPart::Key) => {
                Err("an unsupported key format (supported: PKCS #8, PKCS #1 and SEC 1)")
            }
            (Self::Key | Self::EncryptedKey | Self::OtherKey | Self::Parameters, _)
            | (Self::Certificate, PemPart::Key) => Ok(false),
            (Self::RevocationList, _) if also(PemPart::RevocationLists) => Ok(false),
            (Self::RevocationList, _) => {
                Err("a revocation list, which belongs in a file for `with_revocation_lists`")
            }
            (Self::Certificate, _) if also(PemPart::Chain) || also(PemPart::ClientRoots) => {
                Ok(false)
            }
            (Self::Certificate, _) => Err("a certificate, in a file of revocation lists"),
            (Self::Other(what), _) => Err(what),
        }
    }
}
