//! Bytes that are read until there are enough of them to be understood.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncRead;

use super::Attempt;

/// How much is read at once.
const CHUNK: usize = 2048;

/// Makes one attempt to read up to `most` bytes, and passes to `take` what was read: nothing at the
/// end of the stream.
///
/// The chunk lies on the stack, so that nothing is allocated for a peer that stays silent.
pub(crate) fn poll_chunk<IO, T>(
    io: &mut IO,
    cx: &mut Context<'_>,
    most: usize,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>>
where
    IO: AsyncRead + Unpin,
{
    let mut chunk = [0; CHUNK];
    let chunk = &mut chunk[..most.min(CHUNK)];
    match Attempt::new(Pin::new(io), cx).read(chunk) {
        Ok(read) => Poll::Ready(Ok(take(&chunk[..read]))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        Err(error) => Poll::Ready(Err(error)),
    }
}
