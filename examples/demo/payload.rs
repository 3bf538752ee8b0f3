//! What is moved: a file, or bytes made on the fly.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::fs::{self, File};
use tokio::io::AsyncReadExt;

use crate::BoxError;
use crate::transfer::BUFFER;

/// A SHA-256 digest.
pub(crate) type Sha = [u8; 32];

/// A payload that can be read more than once.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    length: u64,
    /// None: the bytes are made.
    file: Option<PathBuf>,
}

impl Payload {
    /// `length` bytes that are the same in every run.
    pub(crate) fn made(length: u64) -> Self {
        Self { length, file: None }
    }

    pub(crate) async fn file(path: PathBuf) -> Result<Self, BoxError> {
        let metadata = fs::metadata(&path)
            .await
            .map_err(|e| unreadable(&path, e))?;
        if !metadata.is_file() {
            // A pipe or a device cannot be read twice.
            return Err(unreadable(&path, "not a regular file"));
        }
        Ok(Self {
            length: metadata.len(),
            file: Some(path),
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    pub(crate) async fn open(&self) -> Result<Reader<'_>, BoxError> {
        Ok(match &self.file {
            None => Reader::Made {
                state: 0,
                left: self.length,
            },
            Some(path) => Reader::File {
                file: File::open(path).await.map_err(|e| unreadable(path, e))?,
                path,
            },
        })
    }

    pub(crate) async fn digest(&self) -> Result<Sha, BoxError> {
        let mut reader = self.open().await?;
        let mut buffer = vec![0; BUFFER];
        let mut hasher = Sha256::new();
        loop {
            match reader.fill(&mut buffer).await? {
                0 => return Ok(hasher.finalize().into()),
                filled => hasher.update(&buffer[..filled]),
            }
        }
    }
}

/// One pass over a payload.
pub(crate) enum Reader<'a> {
    File { file: File, path: &'a Path },
    Made { state: u64, left: u64 },
}

impl Reader<'_> {
    /// Fills the buffer from its start; less than all of it only at the end of the payload.
    pub(crate) async fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, BoxError> {
        match self {
            Self::File { file, path } => {
                let mut filled = 0;
                while filled < buffer.len() {
                    match file.read(&mut buffer[filled..]).await {
                        Ok(0) => break,
                        Ok(n) => filled += n,
                        Err(e) => return Err(unreadable(path, e)),
                    }
                }
                Ok(filled)
            }
            Self::Made { state, left } => {
                let filled = buffer
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                for word in buffer[..filled].chunks_mut(8) {
                    word.copy_from_slice(&split_mix(state).to_le_bytes()[..word.len()]);
                }
                *left -= filled as u64;
                Ok(filled)
            }
        }
    }
}

/// `SplitMix64`: quick, and nothing that a compressor or a zero page could make look good.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn unreadable(path: &Path, cause: impl std::fmt::Display) -> BoxError {
    format!("cannot read {}: {cause}", path.display()).into()
}
