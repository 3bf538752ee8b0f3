//! When the bytes of a message can be used that comes over a slow link.
//!
//! There is no clock here: the link delivers segment after segment, and after each the client takes
//! what it can. So the figures are the same each time.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, copy_bidirectional, duplex};
use tokio::task::yield_now;

use super::KIB;
use super::run::runtime;
use crate::peer::{Peer, Stream};

/// What a segment carries: 1,500 bytes without the headers of IPv6 and TCP, with timestamps.
const SEGMENT: usize = 1428;

/// How long a segment takes, with its headers, at 10 megabits a second.
const SEGMENT_TIME: Duration = Duration::from_micros(1200);

/// What the server sends.
const MESSAGE: usize = 100_000;

/// More than the message as records.
const ROOM: usize = 256 * KIB;

/// How many segments arrive before so much of a message can be used.
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
    /// How long so many segments take, in milliseconds.
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
        // What the server sends behind its handshake belongs to no message.
        while deliver_segment(&mut far, &mut near).await? {}
        usable(&mut client)?;

        server.write_all(&vec![7; MESSAGE]).await?;
        server.flush().await?;
        let (mut arrival, mut received, mut segments) = (Arrival::default(), 0, 0);
        while received < MESSAGE {
            // A task that never yields is told at some time that nothing is there.
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

/// Delivers one segment, if something is under way.
async fn deliver_segment(from: &mut DuplexStream, to: &mut DuplexStream) -> io::Result<bool> {
    let mut segment = [0; SEGMENT];
    let Some(count) = read_now(from, &mut segment)? else {
        return Ok(false);
    };
    to.write_all(&segment[..count]).await?;
    Ok(true)
}

/// Takes what can be used, and says how much.
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
