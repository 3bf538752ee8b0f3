//! Bytes from the one side to the other, both ways at once.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use crate::traffic::{Flow, Traffic};

/// How much is read at once: one whole record of TLS.
const CHUNK: usize = 16 * 1024;

/// How a connection has ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Both sides have sent all that they had, and it was delivered.
    Closed,
    /// No byte has moved for too long.
    Idle,
    ClientFailed(io::Error),
    BackendFailed(io::Error),
}

/// Relays until both sides have ended, one of them has failed, or nothing has moved for `idle`.
///
/// An end of stream is carried over, and the other direction goes on. Who takes no more bytes may
/// still be sending: those that it refuses are read and dropped meanwhile, so that no reset gets
/// ahead of the answer that it gave before.
pub(crate) async fn relay<C, B>(
    client: &mut C,
    backend: &mut B,
    idle: Duration,
    traffic: &Traffic,
) -> Outcome
where
    C: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (from_client, to_client) = split(client);
    let (from_backend, to_backend) = split(backend);
    let there = async {
        carry(from_client, to_backend, traffic, &traffic.to_backend)
            .await
            .map_err(Outcome::ClientFailed)
    };
    let back = async {
        carry(from_backend, to_client, traffic, &traffic.to_client)
            .await
            .map_err(Outcome::BackendFailed)
    };
    tokio::select! {
        both = async { tokio::try_join!(there, back) } => match both {
            Err(failed) => failed,
            Ok((Err(error), _)) => Outcome::BackendFailed(error),
            Ok((_, Err(error))) => Outcome::ClientFailed(error),
            Ok((Ok(()), Ok(()))) => Outcome::Closed,
        },
        () = traffic.idle(idle) => Outcome::Idle,
    }
}

/// Carries bytes and the end of the stream over. The outer error is that of the reader; the inner
/// one is that of the writer, and comes once the reader has ended.
async fn carry<R, W>(
    mut from: R,
    mut to: W,
    traffic: &Traffic,
    flow: &Flow,
) -> io::Result<io::Result<()>>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; CHUNK];
    let mut delivered = Ok(());
    loop {
        let count = from.read(&mut buffer).await?;
        if delivered.is_ok() {
            delivered = match count {
                0 => to.shutdown().await,
                _ => deliver(&buffer[..count], &mut to, traffic, flow).await,
            };
        }
        if count == 0 {
            return Ok(delivered);
        }
    }
}

async fn deliver<W>(mut bytes: &[u8], to: &mut W, traffic: &Traffic, flow: &Flow) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    while !bytes.is_empty() {
        let count = to.write(bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        traffic.note(flow, count);
        bytes = &bytes[count..];
    }
    // Nobody knows when the next bytes come.
    to.flush().await
}
