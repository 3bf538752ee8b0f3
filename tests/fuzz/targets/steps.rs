//! The operations of the two tasks of a side on their stream.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;

use super::input::Input;
use super::session::{Over, Side};
use super::streams::Stream;

/// The operations of the writer, and the sizes of reads.
pub(super) struct Steps {
    writes: Vec<Write>,
    reads: Vec<usize>,
}

#[derive(Clone, Copy)]
enum Write {
    All(usize),
    /// One vectored write, which may be accepted partially.
    Vectored([usize; 3]),
    /// One poll, after which the write is dropped.
    Once(usize),
    Flush,
    NewKeys,
    LetOthersRun,
    /// Drops the stream without a shutdown.
    Leave,
}

/// A size that means reading from the lent buffer of the stream instead of copying.
const LEND: usize = usize::MAX;

impl Steps {
    pub(super) fn take(input: &mut Input<'_>, longest: usize) -> Self {
        let length = |input: &mut Input<'_>| input.length() % (longest + 1);
        Self {
            writes: input.list(15, |input| match input.byte() % 8 {
                0 | 1 => Write::All(length(input)),
                2 => Write::Vectored([0; 3].map(|_| length(input))),
                3 => Write::Once(length(input)),
                4 => Write::Flush,
                5 => Write::NewKeys,
                6 => Write::LetOthersRun,
                // One in 64, since otherwise few sessions would complete.
                _ if input.byte() % 8 == 7 => Write::Leave,
                _ => Write::Flush,
            }),
            reads: input.list(7, |input| match input.length() {
                7 => LEND,
                length => length,
            }),
        }
    }

    pub(super) fn leaves(&self) -> bool {
        self.writes.iter().any(|step| matches!(step, Write::Leave))
    }
}

pub(super) async fn write(side: &Side, steps: &Steps) -> Result<(), Over> {
    for step in &steps.writes {
        match *step {
            Write::All(length) => {
                let end = side.taken.get() + length;
                while side.taken.get() < end {
                    let bytes = pattern(side.taken.get(), end - side.taken.get());
                    let taken = side.as_writer(|stream, cx| poll_write(stream, cx, &bytes));
                    note(side, taken.await?);
                }
            }
            Write::Vectored(lengths) => {
                let bytes = pattern(side.taken.get(), lengths.iter().sum());
                let (first, rest) = bytes.split_at(lengths[0]);
                let (second, third) = rest.split_at(lengths[1]);
                let slices = [first, second, third].map(IoSlice::new);
                let taken =
                    side.as_writer(|stream, cx| Pin::new(stream).poll_write_vectored(cx, &slices));
                note(side, taken.await?);
            }
            Write::Once(length) => {
                let bytes = pattern(side.taken.get(), length);
                let taken = side.as_writer(|stream, cx| match poll_write(stream, cx, &bytes) {
                    Poll::Pending => Poll::Ready(Ok(0)),
                    answer => answer,
                });
                note(side, taken.await?);
            }
            Write::Flush => {
                side.as_writer(|stream, cx| Pin::new(stream).poll_flush(cx))
                    .await?;
            }
            Write::NewKeys => {
                side.as_writer(|stream, _| {
                    stream.ask_for_new_keys();
                    Poll::Ready(Ok(()))
                })
                .await?;
            }
            Write::LetOthersRun => {
                let mut turn = 0;
                side.as_writer(|_, cx| {
                    turn += 1;
                    if turn == 2 {
                        return Poll::Ready(Ok(()));
                    }
                    cx.waker().wake_by_ref();
                    Poll::Pending
                })
                .await?;
            }
            Write::Leave => {
                side.fail(None);
                return Err(Over);
            }
        }
    }
    side.as_writer(|stream, cx| Pin::new(stream).poll_shutdown(cx))
        .await
}

pub(super) async fn read(side: &Side, steps: &Steps, peer: &Side) -> Result<(), Over> {
    // At the end of each round at least one byte is requested, so that the loop ends.
    let rounds = steps.reads.iter().copied().chain([1000]);
    for length in rounds.collect::<Vec<_>>().into_iter().cycle() {
        let bytes = side
            .as_reader(|stream, cx| poll_read(stream, cx, length))
            .await?;
        let before = side.given.get();
        assert!(
            bytes == pattern(before, bytes.len()),
            "not the bytes that were written at {before}"
        );
        side.given.set(before + bytes.len());
        assert!(
            side.given.get() <= peer.taken.get(),
            "bytes that were never written"
        );
        if bytes.is_empty() && length > 0 {
            side.end();
            break;
        }
    }
    Ok(())
}

fn note(side: &Side, taken: usize) {
    side.taken.set(side.taken.get() + taken);
}

fn poll_write(
    stream: &mut dyn Stream,
    cx: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    let answer = Pin::new(stream).poll_write(cx, bytes);
    if let Poll::Ready(Ok(taken)) = answer {
        assert!(taken <= bytes.len(), "{taken} of {} bytes", bytes.len());
        assert!(
            taken > 0 || bytes.is_empty(),
            "a write that accepted nothing"
        );
    }
    answer
}

/// Reads early data and other data; an empty result is the end.
fn poll_read(
    stream: &mut dyn Stream,
    cx: &mut Context<'_>,
    length: usize,
) -> Poll<io::Result<Vec<u8>>> {
    let mut bytes = stream.early_data();
    if !bytes.is_empty() {
        return Poll::Ready(Ok(bytes));
    }
    let later = if length == LEND {
        poll_lent(stream, cx)
    } else {
        let mut room = vec![0; length];
        let mut buf = ReadBuf::new(&mut room);
        let answer = Pin::new(&mut *stream).poll_read(cx, &mut buf);
        answer.map_ok(|()| buf.filled().to_vec())
    };
    bytes = stream.early_data();
    match later {
        Poll::Pending | Poll::Ready(Err(_)) if !bytes.is_empty() => Poll::Ready(Ok(bytes)),
        _ => {
            bytes.extend(ready!(later)?);
            Poll::Ready(Ok(bytes))
        }
    }
}

/// Consumes the first half of what the stream lends.
fn poll_lent(stream: &mut dyn Stream, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
    let lent = ready!(Pin::new(&mut *stream).poll_fill_buf(cx))?;
    let bytes = lent[..lent.len().div_ceil(2)].to_vec();
    Pin::new(stream).consume(bytes.len());
    Poll::Ready(Ok(bytes))
}

/// The bytes that every writer writes, from `position` on, in which no two ranges are alike.
fn pattern(position: usize, length: usize) -> Vec<u8> {
    (position..position + length)
        .map(|index| ((index as u32).wrapping_mul(0x9e37_79b1) >> 24) as u8)
        .collect()
}
