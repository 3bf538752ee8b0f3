//! When the bytes of a message become usable over a slow link.
//!
//! No clock is involved: the link delivers one segment after another, and after each the client
//! reads what it can. So the results are deterministic.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional, duplex};
use tokio::task::yield_now;

use super::KIB;
use super::run::runtime;
use crate::peer::{Peer, Stream};

/// The payload of a segment: 1,500 bytes without the headers of IPv6 and TCP, with timestamps.
const SEGMENT: usize = 1428;

/// The transmission time of a segment with its headers, at 10 megabits per second.
const SEGMENT_TIME: Duration = Duration::from_micros(1200);

/// What the server sends.
const MESSAGE: usize = 100_000;

/// More than the message takes as records.
const ROOM: usize = 256 * KIB;

/// How many segments arrive before this much of a message can be used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    /// Its first byte.
    pub first: usize,
    /// 16 KiB of it.
    pub record: usize,
    /// All of it.
    pub whole: usize,
}

impl Arrival {
    /// The transmission time of this many segments, in milliseconds.
    pub fn milliseconds(segments: usize) -> f64 {
        segments as f64 * SEGMENT_TIME.as_secs_f64() * 1e3
    }
}

/// Sends a message from a server to a client over a slow link.
pub fn link<P: Peer>(peer: &P) -> io::Result<Arrival> {
    let (client_end, mut near) = duplex(ROOM);
    let (server_end, mut far) = duplex(ROOM);
    runtime()?.block_on(async {
        let (mut client, mut server) = tokio::select! {
            streams = async {
                tokio::try_join!(peer.connect(client_end), peer.accept(server_end))
            } => streams?,
            ended = copy_bidirectional(&mut near, &mut far) => return Err(ended.unwrap_err()),
        };
        // Data that the server sends after its handshake is not part of a message.
        while deliver_segment(&mut far, &mut near).await? {}
        usable(&mut client)?;

        server.write_all(&vec![7; MESSAGE]).await?;
        server.flush().await?;
        let (mut arrival, mut received, mut segments) = (Arrival::default(), 0, 0);
        while received < MESSAGE {
            // tokio returns `Pending` at times to a task that never yields.
            yield_now().await;
            if !deliver_segment(&mut far, &mut near).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            segments += 1;
            received += usable(&mut client)?;
            for (amount, arrived) in [
                (1, &mut arrival.first),
                (16 * KIB, &mut arrival.record),
                (MESSAGE, &mut arrival.whole),
            ] {
                if received >= amount && *arrived == 0 {
                    *arrived = segments;
                }
            }
        }
        Ok(arrival)
    })
}

/// Delivers one segment, if there is one in transit.
async fn deliver_segment(from: &mut DuplexStream, to: &mut DuplexStream) -> io::Result<bool> {
    let mut segment = [0; SEGMENT];
    let Some(count) = read_now(from, &mut segment)? else {
        return Ok(false);
    };
    to.write_all(&segment[..count]).await?;
    Ok(true)
}

/// Reads what can be used, and returns how much.
fn usable(stream: &mut impl Stream) -> io::Result<usize> {
    let mut room = vec![0; MESSAGE];
    let mut total = 0;
    while let Some(count) = read_now(stream, &mut room)? {
        total += count;
    }
    Ok(total)
}

/// One read, if it need not wait.
fn read_now(stream: &mut impl Stream, room: &mut [u8]) -> io::Result<Option<usize>> {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(stream.read(room)).poll(&mut cx)? {
        Poll::Ready(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Poll::Ready(count) => Ok(Some(count)),
        Poll::Pending => Ok(None),
    }
}
