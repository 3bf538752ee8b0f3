//! Many small pieces before one flush.

use std::io::{self, IoSlice};

use tokio::io::AsyncWriteExt;

use crate::peer::Stream;

/// What is written between two flushes.
pub(super) const BATCH: usize = PIECES * PIECE.len();

const PIECES: usize = 1000;
const PIECE: [u8; 100] = [7; 100];

pub(super) async fn write<S: Stream>(stream: &mut S, batches: usize) -> io::Result<()> {
    for _ in 0..batches {
        for _ in 0..PIECES {
            stream.write_all(&PIECE).await?;
        }
        stream.flush().await?;
    }
    Ok(())
}

pub(super) async fn write_vectored<S: Stream>(
    stream: &mut S,
    batches: usize,
    slices: usize,
) -> io::Result<()> {
    let mut room = Vec::with_capacity(slices);
    for _ in 0..batches {
        for _ in 0..PIECES / slices {
            room.clear();
            room.resize(slices, IoSlice::new(&PIECE));
            let mut rest = &mut room[..];
            while !rest.is_empty() {
                let taken = stream.write_vectored(rest).await?;
                IoSlice::advance_slices(&mut rest, taken);
            }
        }
        stream.flush().await?;
    }
    Ok(())
}
