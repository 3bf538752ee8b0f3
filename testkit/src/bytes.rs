//! Test data, and functions to send and receive it.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes in which no two ranges are alike.
pub fn pattern(length: usize) -> Vec<u8> {
    pattern_of(length, 0x9e37_79b9)
}

/// Different bytes for each seed, in which no two ranges are alike.
pub fn pattern_of(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Writes all the bytes and flushes.
///
/// # Panics
///
/// If the stream fails.
pub async fn send<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("a successful write");
    stream.flush().await.expect("a successful flush");
}

/// Reads exactly this many bytes.
///
/// # Panics
///
/// If the stream fails or ends before that.
pub async fn receive<S: AsyncRead + Unpin>(stream: &mut S, length: usize) -> Vec<u8> {
    let mut received = vec![0; length];
    stream
        .read_exact(&mut received)
        .await
        .expect("enough bytes");
    received
}
