//! What the application on a side does.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::Poll;

use tokio::io::ReadBuf;

use super::case::Role;
use super::side::Side;

/// One act of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Writes so many bytes.
    Write(usize),
    /// Writes so many bytes as slices of different lengths, empty ones among them.
    WriteSlices(usize),
    /// Flushes.
    Flush,
    /// Reads so many bytes.
    Read(usize),
    /// Reads to the end of the stream, and once more.
    ReadToEnd,
    /// Changes the keys, and asks the peer to do the same.
    UpdateKeys,
    /// Shuts the stream down.
    Shutdown,
    /// Lets the other tasks run so many times.
    Yield(usize),
}

/// The most bytes that one side sends.
const MOST: usize = 1 << 20;

/// Bytes of which no two stretches look alike.
static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..2 * MOST).map(|_| next()).collect()
});

impl Role {
    /// What this side sends, from its first byte on.
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
            Act::Flush => {
                let flush = || side.operation(|stream, cx| stream.poll_flush(cx));
                while flush().await?.is_none() {}
            }
            Act::Read(length) => read(role, side, length).await?,
            Act::ReadToEnd => read_to_end(role, side).await?,
            Act::UpdateKeys => side.with_stream(|stream| stream.update_keys()),
            Act::Shutdown => {
                let shutdown = || side.operation(|stream, cx| stream.poll_shutdown(cx));
                while shutdown().await?.is_none() {}
            }
            Act::Yield(times) => yield_now(times).await,
        }
    }
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
            Some(0) => return Err(io::ErrorKind::WriteZero.into()),
            Some(taken) => {
                assert!(taken <= rest.len(), "more taken than offered");
                side.sent.set(side.sent.get() + taken);
            }
            // What follows a write that was cancelled is as different from it as it can be.
            None => {
                slices = !slices;
                most = rest.len().div_ceil(2);
            }
        }
    }
    Ok(())
}

/// Cuts bytes into slices of 0, 1, 7, 0, 900 and 20,000 bytes, and so on.
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

async fn read(role: Role, side: &Side, length: usize) -> io::Result<()> {
    // What came early counts, too, though nobody has asked for it.
    let end = side.asked.get() + length;
    side.asked.set(end);
    let mut most = usize::MAX;
    while side.received.get() < end {
        let room = (end - side.received.get()).min(most);
        match read_once(role, side, room).await? {
            Some(0) => panic!("the end of the stream where {room} more bytes were to come"),
            Some(_) => {}
            None => most = room.div_ceil(2),
        }
    }
    Ok(())
}

async fn read_to_end(role: Role, side: &Side) -> io::Result<()> {
    let mut ends = 0;
    while ends < 2 {
        match read_once(role, side, 32 * 1024).await? {
            Some(0) => ends += 1,
            Some(bytes) => assert_eq!(ends, 0, "{bytes} bytes after the end of the stream"),
            None => {}
        }
    }
    Ok(())
}

async fn read_once(role: Role, side: &Side, room: usize) -> io::Result<Option<usize>> {
    let mut room = vec![0; room];
    let read = side
        .operation(|stream: Pin<&mut dyn super::makes::Stream>, cx| {
            let mut buf = ReadBuf::new(&mut room);
            stream
                .poll_read(cx, &mut buf)
                .map_ok(|()| buf.filled().len())
        })
        .await?;
    if let Some(length) = read {
        receive(role, side, &room[..length]);
    }
    Ok(read)
}

/// Compares bytes with those that the peer sends at this place.
pub(super) fn receive(role: Role, side: &Side, bytes: &[u8]) {
    let at = side.received.get();
    let expected = role.peer().sends().get(at..at + bytes.len());
    assert!(
        expected == Some(bytes),
        "{role:?} received other bytes than were sent, at {at}"
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
