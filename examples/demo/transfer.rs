//! One direction of the transfer: a sender and a receiver, which both compute the digest.

use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::BoxError;
use crate::payload::{Reader, Sha};
use crate::progress::Progress;

/// How many bytes the application buffers, written as slices of `SLICE` bytes.
pub(crate) const BUFFER: usize = 16 * SLICE;
const SLICE: usize = 16 * 1024;

/// The bytes received, and the time from the call until the peer's `close_notify`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) digest: Sha,
    pub(crate) length: u64,
    pub(crate) took: Duration,
}

/// Sends all of the payload, then closes this direction; the other one stays open. Returns the digest
/// of what was sent.
pub(crate) async fn send<S>(stream: &mut S, mut payload: Reader<'_>) -> Result<Sha, BoxError>
where
    S: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; BUFFER];
    let mut hasher = Sha256::new();
    loop {
        let filled = payload.fill(&mut buffer).await?;
        if filled == 0 {
            break;
        }
        hasher.update(&buffer[..filled]);
        let mut slices: Vec<_> = buffer[..filled].chunks(SLICE).map(IoSlice::new).collect();
        write_all_vectored(stream, &mut slices).await?;
    }
    stream.shutdown().await?;
    Ok(hasher.finalize().into())
}

async fn write_all_vectored<S>(stream: &mut S, mut slices: &mut [IoSlice<'_>]) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    while !slices.is_empty() {
        match stream.write_vectored(slices).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut slices, written),
        }
    }
    Ok(())
}

/// Reads until the peer closes its direction.
pub(crate) async fn receive<S>(stream: &mut S, progress: &Progress) -> io::Result<Received>
where
    S: AsyncRead + Unpin,
{
    let started = Instant::now();
    let mut buffer = vec![0; BUFFER];
    let mut hasher = Sha256::new();
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        length += read as u64;
        progress.received(read as u64);
    }
    Ok(Received {
        digest: hasher.finalize().into(),
        length,
        took: started.elapsed(),
    })
}
