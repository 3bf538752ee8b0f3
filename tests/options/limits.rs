//! Send buffers of unusual sizes, and queues whose limit the program has set on the connection
//! itself.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::engine::TlsStream;
use pollback::{Options, RecordSizing};
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, End, Operation, pipe};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::support::{Side, pattern, poll_once, read_what_is_there, receive, receive_all, send};
use crate::talks::for_each_talk_with;

const KIB: usize = 1024;

fn limit_queue(stream: &mut TlsStream<End>, limit: usize) {
    match stream {
        TlsStream::Client(stream) => stream.get_mut().1.set_buffer_limit(Some(limit)),
        TlsStream::Server(stream) => stream.get_mut().1.set_buffer_limit(Some(limit)),
    }
}

#[test]
fn a_queue_that_the_program_has_limited_loses_nothing() {
    for batched in [false, true] {
        for queue in [1, 1000, 16 * KIB, 40_000] {
            let options = Options::new().with_batched_writes(batched);
            for_each_talk_with(options, |mut talk| {
                limit_queue(&mut talk.subject, queue);
                // Where one byte fits, each byte takes a record.
                let bytes = pattern(if queue == 1 { 100 } else { 100 * KIB });
                executor::block_on(send(&mut talk.subject, &bytes));
                assert!(read_what_is_there(&mut talk.peer) == bytes);
            });
        }
    }
}

#[test]
fn a_queue_without_room_is_an_error() {
    for batched in [false, true] {
        let options = Options::new().with_batched_writes(batched);
        for_each_talk_with(options, |mut talk| {
            limit_queue(&mut talk.subject, 0);
            let sent = poll_once(async {
                talk.subject.write_all(&[7; 20 * KIB]).await?;
                talk.subject.flush().await
            });
            let Poll::Ready(Err(error)) = sent else {
                panic!("{sent:?}");
            };
            assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
        });
    }
}

/// Writes parts while they are accepted; returns how much was accepted.
fn fill(stream: &mut TlsStream<End>, bytes: &[u8]) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let mut taken = 0;
    while taken < bytes.len() {
        match Pin::new(&mut *stream).poll_write(&mut cx, &bytes[taken..]) {
            Poll::Ready(count) => taken += count.expect("a write"),
            Poll::Pending => break,
        }
    }
    taken
}

#[test]
fn a_limit_beyond_the_size_of_an_attempt_is_kept() {
    const LIMIT: usize = 3 << 20;
    let bytes = pattern(16 << 20);
    for batched in [false, true] {
        let options = Options::new()
            .with_batched_writes(batched)
            .with_send_buffer_limit(LIMIT);
        for_each_talk_with(options, |mut talk| {
            let before = talk.subject_io.written().len();
            let mut taken = 0;
            talk.subject_io.always(Operation::Write, Answer::Pending);
            for _ in 0..40 {
                // The transport accepts a little, and then nothing until the next round.
                let little = Answer::AtMost(1000);
                talk.subject_io.script(Operation::Write, [little]);
                taken += fill(&mut talk.subject, &bytes[taken..]);
            }
            let sent = talk.subject_io.written().len() - before;
            assert!((1..=40_000).contains(&sent), "{taken} taken, {sent} sent");
            let possible = LIMIT..=sent + LIMIT + 64 * KIB;
            assert!(possible.contains(&taken), "{taken} taken, {sent} sent");
        });
    }
}

/// However many records one attempt offers.
#[test]
fn a_batch_does_not_grow_over_a_transport_that_accepts_each_offer() {
    let small = RecordSizing::new(64, Duration::ZERO);
    for (limit, sizing, total) in [
        (3 << 20, None, 16 << 20),
        (64 * KIB, Some(small), 1 << 20),
        (16 * KIB, Some(small), 1 << 20),
    ] {
        let bytes = pattern(64 * KIB);
        let options = Options::new()
            .with_batched_writes(true)
            .with_record_sizing(sizing)
            .with_send_buffer_limit(limit);
        for_each_talk_with(options, |mut talk| {
            let (mut taken, before) = (0, talk.subject_io.written().len());
            while taken < total {
                taken += fill(&mut talk.subject, &bytes);
                talk.subject_io.take_unread_by_peer();
            }
            let sent = talk.subject_io.written().len() - before;
            // There may be fewer bytes of plaintext than of ciphertext.
            assert!(taken <= sent + limit, "{taken} taken, {sent} sent");
        });
    }
}

/// With more unsent bytes on both sides than the limit of the stream.
#[test]
fn two_shutdowns_with_unlimited_queues_do_not_wait_for_each_other() {
    for (length, total) in [(64 * KIB, 300 * KIB), (1, 8 * KIB)] {
        for version in Version::ALL {
            let mut talk = Side::Client.talk(version, pipe(16 * KIB));
            for stream in [&mut talk.subject, &mut talk.peer] {
                match stream {
                    TlsStream::Client(stream) => stream.get_mut().1.set_buffer_limit(None),
                    TlsStream::Server(stream) => stream.get_mut().1.set_buffer_limit(None),
                }
            }
            let bytes = pattern(total);
            for stream in [&mut talk.subject, &mut talk.peer] {
                for part in bytes.chunks(length) {
                    assert_eq!(fill(stream, part), part.len());
                }
            }
            let (subject, peer) = (&mut talk.subject, &mut talk.peer);
            let (to_subject, to_peer) = executor::join(leave(subject), leave(peer));
            assert!(to_subject == bytes && to_peer == bytes);
        }
    }
}

async fn leave(stream: &mut TlsStream<End>) -> Vec<u8> {
    stream.shutdown().await.expect("a shutdown");
    receive_all(stream).await.expect("a clean end")
}

#[test]
fn an_unlimited_buffer_can_be_filled_and_sent() {
    for batched in [false, true] {
        let options = Options::new()
            .with_batched_writes(batched)
            .with_send_buffer_limit(usize::MAX);
        for_each_talk_with(options, |mut talk| {
            let bytes = pattern(300 * KIB);
            talk.subject_io.block(Operation::Write);
            assert_eq!(fill(&mut talk.subject, &bytes), bytes.len());
            assert!(poll_once(talk.subject.shutdown()).is_pending());
            talk.subject_io.unblock(Operation::Write);
            executor::block_on(talk.subject.shutdown()).expect("a shutdown");
            let received = executor::block_on(receive(&mut talk.peer, bytes.len()));
            assert!(received == bytes);
        });
    }
}

#[test]
fn a_program_may_empty_the_queue_itself() {
    let options = Options::new()
        .with_batched_writes(true)
        .with_send_buffer_limit(16 * KIB);
    for_each_talk_with(options, |mut talk| {
        let bytes = pattern(16 * KIB);
        executor::block_on(talk.subject.write_all(&bytes)).expect("a write");
        let mut record = Vec::new();
        let sent = match &mut talk.subject {
            TlsStream::Client(stream) => stream.get_mut().1.write_tls(&mut record),
            TlsStream::Server(stream) => stream.get_mut().1.write_tls(&mut record),
        };
        assert_eq!(sent.expect("a vector"), record.len());
        talk.peer_io.inject(&record);
        executor::block_on(send(&mut talk.subject, b"more"));
        assert!(read_what_is_there(&mut talk.peer) == [&bytes[..], b"more"].concat());
    });
}
