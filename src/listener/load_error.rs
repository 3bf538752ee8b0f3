//! Why a configuration cannot be loaded from files.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use super::pem::Flaw;

/// The part of a configuration that a file contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PemPart {
    /// The certificate chain of the server.
    Chain,
    /// The private key of the server.
    Key,
    /// The certificate chain and the private key, which do not belong together.
    Both,
    /// The root certificates that clients are verified with.
    ClientRoots,
    /// The revocation lists that clients are verified with.
    RevocationLists,
    /// The configuration that is built from the contents of all files. No particular file is known
    /// to be at fault.
    Configuration,
}

/// The error returned when a configuration cannot be built from [`PemFiles`](super::PemFiles).
///
/// It names the file, the part it was read for, and where possible the item and its line. Its
/// source is the cause.
#[derive(Debug)]
pub struct LoadError {
    part: PemPart,
    paths: Vec<PathBuf>,
    line: Option<usize>,
    source: Box<dyn StdError + Send + Sync>,
}

impl LoadError {
    pub(super) fn new(
        part: PemPart,
        paths: &[&Path],
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            part,
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            line: None,
            source: source.into(),
        }
    }

    pub(super) fn flaw(part: PemPart, path: &Path, flaw: Flaw) -> Self {
        Self {
            line: Some(flaw.line),
            ..Self::new(part, &[path], flaw)
        }
    }

    /// Returns the part that could not be read or built.
    pub fn part(&self) -> PemPart {
        self.part
    }

    /// Returns the files that cannot be used: both if a key does not belong to its certificate,
    /// none if the configuration could not be built for another reason.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns the line where the unusable item begins in its file, counted from 1.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, path) in self.paths.iter().enumerate() {
            let between = if at == 0 { "" } else { " and " };
            write!(f, "{between}{}", path.display())?;
        }
        let colon = if self.paths.is_empty() { "" } else { ": " };
        f.write_str(colon)?;
        match self.part {
            PemPart::Both => f.write_str("the private key does not belong to the certificate"),
            part => write!(f, "{part}: {}", self.source),
        }
    }
}

impl fmt::Display for PemPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "the certificate chain",
            Self::Key => "the key",
            Self::Both => "the certificate chain and the key",
            Self::ClientRoots => "the root certificates of clients",
            Self::RevocationLists => "the revocation lists",
            Self::Configuration => "the configuration",
        })
    }
}

impl StdError for LoadError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.source.as_ref())
    }
}
