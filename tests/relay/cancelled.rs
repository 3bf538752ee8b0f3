//! A relay that is interrupted: the bytes moved are known, and nothing is lost.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pollback::relay::Cause;
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::Operation;

use crate::pairs::{Pair, moved, pattern};

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn every_byte_is_moved_or_in_the_parts() {
    let (there, back) = (pattern(100_000, 1), pattern(90_000, 2));
    // The relay is interrupted after each of its polls in turn.
    for polls in 0..200 {
        let mut pair = Pair::over(1000);
        pair.near_client.at_most(Operation::Read, 700);
        pair.near_backend.at_most(Operation::Write, 300);
        pair.near_client.inject(&there);
        pair.near_backend.inject(&back);
        let (mut at_backend, mut at_client) = (Vec::new(), Vec::new());
        for _ in 0..polls {
            assert!(poll(&mut pair.relay).is_pending());
            at_backend.extend(pair.near_backend.take_unread_by_peer());
            at_client.extend(pair.near_client.take_unread_by_peer());
        }
        let counts = moved(pair.relay.moved());
        let parts = pair.relay.into_parts();
        assert_eq!(moved(parts.moved), counts);
        assert_eq!(counts, (at_backend.len() as u64, at_client.len() as u64));
        at_backend.extend(parts.to_backend);
        at_client.extend(parts.to_client);
        assert!(at_backend == there[..there.len() - pair.near_client.unread()]);
        assert!(at_client == back[..back.len() - pair.near_backend.unread()]);
        assert!(!pair.client_aborted.get() && !pair.backend_aborted.get());
    }
}

#[test]
fn a_relay_continues_where_it_was_interrupted() {
    let bytes = pattern(300_000, 3);
    let mut pair = Pair::over(1000);
    pair.near_client.inject(&bytes);
    pair.near_client.end_of_stream();
    pair.near_backend.end_of_stream();
    let mut received = Vec::new();
    let ended = loop {
        // Each future is dropped after one poll.
        let polled = poll(&mut Box::pin(async { (&mut pair.relay).await }));
        received.extend(pair.near_backend.take_unread_by_peer());
        assert_eq!(pair.relay.moved().to_backend, received.len() as u64);
        if let Poll::Ready(ended) = polled {
            break ended;
        }
    };
    assert_eq!(moved(ended.expect("an end")), (300_000, 0));
    assert!(received == bytes);
}

#[test]
fn a_relay_dropped_in_the_middle_aborts_both_streams() {
    let pair = Pair::over(1000);
    let mut executor = Executor::new();
    let relay = executor.spawn("the relay", pair.relay);
    executor.run_until_stalled();
    assert!(!pair.client_aborted.get() && !pair.backend_aborted.get());
    executor.cancel(&relay);
    assert!(pair.client_aborted.get() && pair.backend_aborted.get());
}

#[test]
fn a_stream_that_was_shut_down_is_not_aborted() {
    let pair = Pair::over(1000);
    pair.near_client.end_of_stream();
    let mut executor = Executor::new();
    let relay = executor.spawn("the relay", pair.relay);
    executor.run_until_stalled();
    executor.cancel(&relay);
    assert!(pair.client_aborted.get() && !pair.backend_aborted.get());
}

/// The stream returns it only once.
#[test]
fn an_error_that_was_read_behind_pending_bytes_is_returned_with_the_parts() {
    let mut pair = Pair::over(100);
    pair.inject_and_end(&[1; 10], true);
    pair.near_backend.block(Operation::Write);
    assert!(poll(&mut pair.relay).is_pending());
    let parts = pair.relay.into_parts();
    assert_eq!(parts.to_backend, [1; 10]);
    match parts.cause {
        Some(Cause::Client(error)) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        other => panic!("{other:?}"),
    }
}
