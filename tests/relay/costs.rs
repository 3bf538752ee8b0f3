//! The cost of a relay: calls and memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pollback::relay::{AbortByDrop, Endpoint, Relay};
use pollback_testkit::pipe::Operation;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::heap;
use crate::pairs::Pair;

const MIB: usize = 1 << 20;

fn poll(pair: &mut Pair) -> bool {
    !poll_once(&mut pair.relay)
}

#[test]
fn a_mebibyte_takes_eight_reads_and_writes_and_one_flush() {
    let mut pair = Pair::over(MIB);
    pair.near_client.inject(&vec![7; MIB]);
    assert!(!poll(&mut pair));
    let (client, backend) = (pair.near_client.counts(), pair.near_backend.counts());
    // One more read, which finds nothing.
    assert_eq!((client.read.calls, backend.writes()), (9, 8));
    assert_eq!((backend.flush.calls, client.flush.calls), (1, 0));
    // Nothing to do, nothing to flush.
    assert!(!poll(&mut pair));
    assert_eq!(pair.near_backend.counts().writes(), 8);
    assert_eq!(pair.near_backend.counts().flush.calls, 1);
}

#[test]
fn bytes_that_have_arrived_are_written_together() {
    let mut pair = Pair::over(MIB);
    pair.near_client.at_most(Operation::Read, 10);
    pair.near_client.inject(&[7; 200]);
    assert!(!poll(&mut pair));
    let backend = pair.near_backend.counts();
    assert_eq!((backend.writes(), backend.flush.calls), (1, 1));
    // The read that found nothing more is not repeated after the write.
    assert_eq!(pair.near_client.counts().read.calls, 21);
}

#[test]
fn one_poll_does_bounded_work() {
    let mut pair = Pair::over(1 << 25);
    pair.near_client.inject(&vec![7; 1 << 25]);
    assert!(!poll(&mut pair));
    let read = pair.near_client.counts().read.calls;
    assert!(read <= 64, "{read} reads in one poll");
    // Also while the data is not accepted.
    let mut pair = Pair::over(1 << 25);
    pair.near_client.inject(&vec![7; 1 << 25]);
    drop(pair.backend);
    pair.backend = pollback_testkit::pipe::pipe(1).0;
    assert!(!poll(&mut pair));
    let read = pair.near_client.counts().read.calls;
    assert!(read <= 64, "{read} reads in one poll");
}

/// Provides and accepts this many bytes, without memory of its own.
struct Tap {
    has: usize,
    takes: usize,
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.has == 0 {
            return Poll::Pending;
        }
        let count = self.has.min(buf.remaining());
        buf.initialize_unfilled_to(count);
        buf.advance(count);
        self.has -= count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.takes == 0 {
            return Poll::Pending;
        }
        let count = self.takes.min(buf.len());
        self.takes -= count;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The growth of the heap after relays between such taps were polled.
fn grown(relays: usize, has: usize, takes: usize) -> isize {
    let near = |has, takes| AbortByDrop(Tap { has, takes });
    let relay = |has, takes| Relay::new(near(has, 0), near(0, takes));
    // The buffer of this thread is allocated before.
    assert!(poll_once(&mut relay(1, 1)));
    let mut relays: Vec<_> = (0..relays).map(|_| relay(has, takes)).collect();
    let before = heap::in_use();
    for relay in &mut relays {
        assert!(poll_once(relay));
        assert_eq!(relay.moved().to_backend, has.min(takes) as u64);
    }
    heap::in_use() - before
}

/// Polls a relay, which then waits.
fn poll_once<C: Endpoint, B: Endpoint>(relay: &mut Relay<C, B>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(relay).poll(&mut cx).is_pending()
}

#[test]
fn an_idle_relay_has_no_buffer() {
    assert_eq!(grown(100, 0, 0), 0);
    assert_eq!(grown(100, 100_000, 100_000), 0);
}

#[test]
fn a_blocked_relay_keeps_what_it_has_read_and_no_more() {
    assert_eq!(grown(100, 10_000, 1000), 100 * 9000);
    // It reads no more before that was written.
    assert!(grown(100, 1 << 20, 0) <= 100 * 131_072);
}
