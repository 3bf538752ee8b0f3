//! Reads bytes until there are enough of them to parse.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncRead;

use super::{Attempt, poll_attempt};

/// How much is read at once.
const CHUNK: usize = 2048;

/// How many chunks one poll may read before it lets other tasks run: a chunk may be a single byte.
pub(crate) const CHUNKS_PER_POLL: usize = 1024;

/// Reads up to `most` bytes in one attempt, and passes them to `take`, or an empty slice at the end
/// of the stream.
///
/// The chunk is on the stack, so that nothing is allocated for a peer that stays silent.
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
    let read = ready!(poll_attempt(cx, |cx| {
        Attempt::new(Pin::new(&mut *io), cx).read(chunk)
    }));
    Poll::Ready(read.map(|read| take(&chunk[..read])))
}
