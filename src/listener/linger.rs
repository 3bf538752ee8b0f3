//! What follows a failed handshake.
//!
//! A kernel answers bytes that nobody will read with a reset, and a reset may overtake the alert
//! that says why the handshake failed, or make the client's next write fail before it reads the
//! alert. So what still arrives is taken in, within bounds.

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

/// How many clients may be waited for at once: what a flood of clients that fail can take up.
pub(super) const MOST: usize = 1024;

/// How much is taken in of a client.
const BYTES: usize = 256 * 1024;

const READS_PER_POLL: usize = 16;

/// Closes our direction, and takes in what arrives until the client has closed its own, for `time`
/// at most.
pub(super) async fn linger<IO>(mut io: IO, time: Duration)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut left = BYTES;
    let mut shut = false;
    let closed = poll_fn(|cx| {
        // At the same time, since the client may not read before it has written.
        shut = shut || Pin::new(&mut io).poll_shutdown(cx).is_ready();
        poll_discard(&mut io, &mut left, cx)
    });
    // Whoever takes longer is cut off.
    let _ = timeout(time, closed).await;
}

/// Ready when nothing more is to come, or to be taken in.
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
