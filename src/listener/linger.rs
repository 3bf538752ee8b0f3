//! Reads what a client still sends after a failed handshake.
//!
//! If unread bytes arrive, the kernel sends a reset, which may overtake the alert that explains the
//! failure, or make the client's next write fail before it reads the alert. So bytes that still
//! arrive are read, within limits.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

/// How long a client may take to close.
pub(super) const LONGEST: Duration = Duration::from_secs(1);

/// The maximum number of such clients at once, which bounds the cost of a flood of failing clients.
pub(super) const MOST: usize = 1024;

/// How many bytes are read from a client.
const BYTES: usize = 256 * 1024;

const READS_PER_POLL: usize = 16;

/// Closes the write half, and discards input until the client has closed its own, for `time` at
/// most.
pub(super) async fn linger<IO>(mut io: IO, time: Duration)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut left = BYTES;
    let mut shut = false;
    let closed = poll_fn(|cx| {
        // Both at the same time: the client may not read before it has written.
        shut = shut || Pin::new(&mut io).poll_shutdown(cx).is_ready();
        poll_discard(&mut io, &mut left, cx)
    });
    // Slower clients are disconnected.
    let _ = timeout(time, closed).await;
}

/// Ready once there is nothing more to read, or the limit is reached.
fn poll_discard<IO>(io: &mut IO, left: &mut usize, cx: &mut Context<'_>) -> Poll<io::Result<()>>
where
    IO: AsyncRead + Unpin,
{
    let mut space = [MaybeUninit::uninit(); 4096];
    for _ in 0..READS_PER_POLL {
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer))?;
        let taken = buffer.filled().len();
        *left = left.saturating_sub(taken);
        if taken == 0 || *left == 0 {
            return Poll::Ready(Ok(()));
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}
