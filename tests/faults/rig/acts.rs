//! The operations of the application on one side.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use pollback::{Error, ErrorKind};
use pollback_testkit::bytes::pattern;
use tokio::io::ReadBuf;

use super::case::Role;
use super::side::Side;
use super::streams::Stream;

/// One operation of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Writes this many bytes.
    Write(usize),
    /// Writes this many bytes as slices of different lengths, including empty ones.
    WriteSlices(usize),
    /// Flushes.
    Flush,
    /// Reads this many bytes.
    Read(usize),
    /// Reads to the end of the stream, and once more.
    ReadToEnd,
    /// Updates the keys, and requests that the peer does the same.
    UpdateKeys,
    /// Shuts the stream down.
    Shutdown,
    /// Lets the other tasks run this many times.
    Yield(usize),
    /// Reads this many bytes from the lent buffer.
    Borrow(usize),
    /// Disassembles the stream, and continues with one that is reassembled from its parts.
    Rebuild,
    /// Continues with a stream created from its transport and its connection.
    Adopt,
    /// Completes the handshake of a stream that was returned early.
    FinishHandshake,
    /// Shuts the stream down and reads to its end.
    Close,
    /// Ends TLS, and leaves the transport open.
    EndTls,
    /// Continues with the transport after the end of TLS, in plaintext.
    GoOnInTheClear,
}

impl Act {
    /// Whether only the crate under test supports it.
    pub(super) fn is_for_ours(&self) -> bool {
        matches!(
            self,
            Self::Borrow(_)
                | Self::Rebuild
                | Self::Adopt
                | Self::FinishHandshake
                | Self::Close
                | Self::EndTls
                | Self::GoOnInTheClear
        )
    }
}

/// The most bytes that one side sends.
const MOST: usize = 1 << 20;

static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| pattern(2 * MOST));

impl Role {
    /// The bytes that this side sends.
    fn sends(self) -> &'static [u8] {
        match self {
            Self::Client => &PATTERN[..MOST],
            Self::Server => &PATTERN[MOST..],
        }
    }
}

pub(super) async fn perform(role: Role, side: &Side, acts: &[Act]) -> io::Result<()> {
    for act in acts {
        match *act {
            Act::Write(length) => write(role, side, length, false).await?,
            Act::WriteSlices(length) => write(role, side, length, true).await?,
            Act::Flush => until_done(side, |stream, cx| stream.poll_flush(cx)).await?,
            Act::Read(length) => read(role, side, length, poll_read).await?,
            Act::ReadToEnd => read_to_end(role, side).await?,
            Act::UpdateKeys => side.with_stream(|stream| stream.update_keys()),
            Act::Shutdown => until_done(side, |stream, cx| stream.poll_shutdown(cx)).await?,
            Act::Yield(times) => yield_now(times).await,
            Act::Borrow(length) => read(role, side, length, poll_borrow).await?,
            Act::Rebuild => side.replace_stream(|stream| stream.rebuilt()),
            Act::Adopt => side.replace_stream(|stream| stream.adopted()),
            Act::FinishHandshake => {
                until_done(side, |stream, cx| {
                    stream.get_mut().poll_finish_handshake(cx)
                })
                .await?;
            }
            Act::Close => until_done(side, |stream, cx| stream.get_mut().poll_close(cx)).await?,
            Act::EndTls => {
                until_done(side, |stream, cx| stream.get_mut().poll_end_tls(cx)).await?;
            }
            Act::GoOnInTheClear => side.replace_stream(|stream| stream.clear()),
        }
    }
    Ok(())
}

/// Performs an operation, and repeats it if it was cancelled.
async fn until_done(
    side: &Side,
    mut poll: impl FnMut(Pin<&mut dyn Stream>, &mut Context<'_>) -> Poll<io::Result<()>>,
) -> io::Result<()> {
    while side.operation(&mut poll).await?.is_none() {}
    Ok(())
}

async fn write(role: Role, side: &Side, length: usize, slices: bool) -> io::Result<()> {
    let end = side.sent.get() + length;
    let mut slices = slices;
    let mut most = usize::MAX;
    while side.sent.get() < end {
        let rest = &role.sends()[side.sent.get()..end];
        let rest = &rest[..rest.len().min(most)];
        let taken = side
            .operation(|stream, cx| match slices {
                true => stream.poll_write_vectored(cx, &cut(rest)),
                false => stream.poll_write(cx, rest),
            })
            .await
            .inspect_err(|_| side.unsure.set(rest.len()))?;
        match taken {
            Some(0) => return Err(Error::from(ErrorKind::WriteZero).into()),
            Some(taken) => {
                assert!(taken <= rest.len(), "more taken than offered");
                side.sent.set(side.sent.get() + taken);
            }
            // The write after a cancelled one is as different from it as possible.
            None => {
                slices = !slices;
                most = rest.len().div_ceil(2);
            }
        }
    }
    Ok(())
}

/// Divides bytes into slices of 0, 1, 7, 0, 900 and 20,000 bytes, and so on.
fn cut(mut bytes: &[u8]) -> Vec<IoSlice<'_>> {
    let mut slices = Vec::new();
    for length in [0, 1, 7, 0, 900, 20_000].into_iter().cycle() {
        let (slice, rest) = bytes.split_at(bytes.len().min(length));
        slices.push(IoSlice::new(slice));
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    slices
}

/// Reads as much as there is room for.
type Poller = fn(Pin<&mut dyn Stream>, &mut Context<'_>, usize) -> Poll<io::Result<Vec<u8>>>;

async fn read(role: Role, side: &Side, length: usize, poll: Poller) -> io::Result<()> {
    // Early data counts, too, although it was not requested.
    let end = side.asked.get() + length;
    side.asked.set(end);
    let mut most = usize::MAX;
    while side.received.get() < end {
        let room = (end - side.received.get()).min(most);
        match read_once(role, side, room, poll).await? {
            Some(0) => panic!("the end of the stream where {room} more bytes were expected"),
            Some(_) => {}
            None => most = room.div_ceil(2),
        }
    }
    Ok(())
}

async fn read_to_end(role: Role, side: &Side) -> io::Result<()> {
    let mut ends = 0;
    while ends < 2 {
        match read_once(role, side, 32 * 1024, poll_read).await? {
            Some(0) => ends += 1,
            Some(bytes) => assert_eq!(ends, 0, "{bytes} bytes after the end of the stream"),
            None => {}
        }
    }
    Ok(())
}

async fn read_once(
    role: Role,
    side: &Side,
    room: usize,
    poll: Poller,
) -> io::Result<Option<usize>> {
    let read = side.operation(|stream, cx| poll(stream, cx, room)).await?;
    if let Some(bytes) = &read {
        receive(role, side, bytes);
    }
    Ok(read.map(|bytes| bytes.len()))
}

fn poll_read(
    stream: Pin<&mut dyn Stream>,
    cx: &mut Context<'_>,
    room: usize,
) -> Poll<io::Result<Vec<u8>>> {
    let mut room = vec![0; room];
    let mut buf = ReadBuf::new(&mut room);
    ready!(stream.poll_read(cx, &mut buf))?;
    Poll::Ready(Ok(buf.filled().to_vec()))
}

fn poll_borrow(
    stream: Pin<&mut dyn Stream>,
    cx: &mut Context<'_>,
    room: usize,
) -> Poll<io::Result<Vec<u8>>> {
    stream.get_mut().poll_borrow(cx, room)
}

/// Compares bytes with those that the peer sends at this position.
pub(super) fn receive(role: Role, side: &Side, bytes: &[u8]) {
    let at = side.received.get();
    let expected = role.peer().sends().get(at..at + bytes.len());
    assert!(
        expected == Some(bytes),
        "{role:?} received bytes that differ from those sent, at {at}"
    );
    side.received.set(at + bytes.len());
}

async fn yield_now(times: usize) {
    let mut left = times;
    poll_fn(|cx| match left.checked_sub(1) {
        Some(rest) => {
            left = rest;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}
