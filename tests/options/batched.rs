//! Batched writes, from small ones to complete records.

use std::io::ErrorKind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::engine::TlsStream;
use pollback::Options;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, End, Operation};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::support::{
    Talk, pattern, poll_once, poll_read, read_what_is_there, receive, request_key_update, send,
    write_vectored,
};
use crate::talks::{
    assert_parked_reader_pushes, for_each_talk_with, is_tls13, records,
    write_to_a_blocked_transport,
};

const BATCHED: Options = Options::new().with_batched_writes(true);

/// The plaintext of a full record.
const RECORD: usize = 16 * 1024;

/// How much a stream buffers by default.
const LIMIT: usize = 64 * 1024;

fn for_each_talk(test: impl Fn(Talk)) {
    for_each_talk_with(BATCHED, test);
}

/// The bytes that the subject has written to the transport.
fn sent(talk: &Talk) -> usize {
    talk.subject_io.written().len()
}

fn write(talk: &mut Talk, bytes: &[u8]) {
    executor::block_on(talk.subject.write_all(bytes)).expect("a write");
}

#[test]
fn small_vectored_writes_make_few_records() {
    for_each_talk(|mut talk| {
        let bytes = pattern(100_000);
        let (before, calls) = (sent(&talk), talk.subject_io.counts().writes());
        for part in bytes.chunks(1000) {
            let slices: Vec<&[u8]> = part.chunks(100).collect();
            let taken = executor::block_on(write_vectored(&mut talk.subject, &slices));
            assert_eq!(taken.expect("a write"), part.len());
        }
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert_eq!(talk.subject_io.counts().writes() - calls, 2);
        assert_eq!(records(&talk, before).len(), 7);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_batch_that_has_room_is_writable_though_the_transport_is_blocked() {
    for_each_talk(|mut talk| {
        let bytes = pattern(2 * LIMIT);
        let taken = write_to_a_blocked_transport(&mut talk, &bytes[..40_000], 1000);
        talk.subject_io.block(Operation::Write);
        assert_eq!(taken, 40_000);
        assert!(poll_once(writable(&mut talk.subject)).is_ready());
        let taken = write_to_a_blocked_transport(&mut talk, &bytes, 1000);
        assert_eq!(taken, LIMIT - 40_000);
        talk.subject_io.block(Operation::Write);
        assert!(poll_once(writable(&mut talk.subject)).is_pending());
        talk.subject_io.unblock(Operation::Write);
        assert!(poll_once(writable(&mut talk.subject)).is_ready());
    });
}

async fn writable(stream: &mut TlsStream<End>) {
    stream.writable().await.expect("no error of its own");
}

/// More slices than are gathered at once.
#[test]
fn a_thousand_slices_are_accepted_in_one_write() {
    for_each_talk(|mut talk| {
        let bytes = pattern(10_000);
        let slices: Vec<&[u8]> = bytes.chunks(10).collect();
        let before = sent(&talk);
        let taken = executor::block_on(write_vectored(&mut talk.subject, &slices));
        assert_eq!(taken.expect("a write"), bytes.len());
        assert_eq!(sent(&talk), before);
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn bytes_wait_for_a_flush() {
    for_each_talk(|mut talk| {
        let before = sent(&talk);
        write(&mut talk, b"wait");
        assert_eq!(sent(&talk), before);
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert_eq!(read_what_is_there(&mut talk.peer), b"wait");
    });
}

#[test]
fn bytes_wait_for_a_full_batch() {
    for_each_talk(|mut talk| {
        let before = sent(&talk);
        let bytes = pattern(LIMIT + 1);
        write(&mut talk, &bytes[..LIMIT]);
        assert_eq!(sent(&talk), before);
        write(&mut talk, &bytes[LIMIT..]);
        assert_eq!(records(&talk, before), [RECORD; 3]);
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert_eq!(records(&talk, before), [RECORD, RECORD, RECORD, RECORD, 1]);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

/// The last one may be a whole buffer.
#[test]
fn writes_of_any_size_are_sent_three_records_at_a_time() {
    for length in [100, 1000, RECORD, 20_000, LIMIT, 200_000] {
        for_each_talk(|mut talk| {
            let bytes = pattern(48 * RECORD);
            let (calls, before) = (talk.subject_io.counts().writes(), sent(&talk));
            for part in bytes.chunks(length) {
                write(&mut talk, part);
            }
            executor::block_on(talk.subject.flush()).expect("a flush");
            let calls = talk.subject_io.counts().writes() - calls;
            assert_eq!(calls, 16, "writes of {length} bytes");
            assert_eq!(records(&talk, before), [RECORD; 48]);
            assert!(read_what_is_there(&mut talk.peer) == bytes);
        });
    }
}

/// The same holds for a message that an application writes in parts and then flushes.
#[test]
fn the_contents_of_the_buffer_are_sent_in_one_attempt() {
    for length in [1, 16_393, 50_000, LIMIT] {
        for_each_talk(|mut talk| {
            let bytes = pattern(length);
            let calls = talk.subject_io.counts().writes();
            for part in bytes.chunks(10_000) {
                write(&mut talk, part);
            }
            executor::block_on(talk.subject.flush()).expect("a flush");
            assert_eq!(talk.subject_io.counts().writes() - calls, 1, "{length}");
            assert!(read_what_is_there(&mut talk.peer) == bytes);
        });
    }
}

#[test]
fn the_size_of_a_batch_can_be_set() {
    let bytes = pattern(300_000);
    for limit in [0, 16 * 1024, 100_000, 1 << 20] {
        let options = BATCHED.with_send_buffer_limit(limit);
        for_each_talk_with(options, |mut talk| {
            let before = sent(&talk);
            let fits = limit.clamp(RECORD, bytes.len());
            for part in bytes[..fits].chunks(9000) {
                write(&mut talk, part);
            }
            assert_eq!(sent(&talk), before, "{limit}");
            write(&mut talk, &bytes[fits..]);
            assert!(fits == bytes.len() || sent(&talk) > before, "{limit}");
            executor::block_on(talk.subject.flush()).expect("a flush");
            assert!(read_what_is_there(&mut talk.peer) == bytes);
        });
    }
}

#[test]
fn bytes_wait_for_a_read_that_blocks() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"question");
        assert!(poll_read(&mut talk.subject, 100).is_pending());
        assert_eq!(read_what_is_there(&mut talk.peer), b"question");
    });
}

#[test]
fn bytes_wait_while_reads_find_data() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"something"));
        let before = sent(&talk);
        write(&mut talk, b"wait");
        assert!(poll_read(&mut talk.subject, 1).is_ready());
        assert_eq!(sent(&talk), before);
    });
}

#[test]
fn a_reader_that_already_waits_sends_them() {
    for_each_talk(|talk| assert_parked_reader_pushes(talk, b"question".to_vec()));
    for_each_talk(|talk| assert_parked_reader_pushes(talk, pattern(2 * RECORD)));
}

#[test]
fn large_and_small_writes_keep_their_order() {
    for_each_talk(|mut talk| {
        let bytes = pattern(200_000);
        let mut rest = &bytes[..];
        for length in [1, 50_000, 3, 16_384, 16_383, 2, 40_000] {
            write(&mut talk, &rest[..length]);
            rest = &rest[length..];
        }
        write(&mut talk, rest);
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_blocked_transport_bounds_the_pending_bytes() {
    for_each_talk(|mut talk| {
        let bytes = pattern(1 << 20);
        let taken = write_to_a_blocked_transport(&mut talk, &bytes, 1000);
        assert!((LIMIT - 1000..=LIMIT).contains(&taken), "{taken} bytes");
        // A cancelled write has accepted nothing, and may be followed by any other.
        talk.subject_io.block(Operation::Write);
        let room = LIMIT - taken;
        assert!(poll_once(talk.subject.write_all(&[1; 20_000])).is_pending());
        assert!(poll_once(talk.subject.write(&[1; 20_000])).is_pending());
        let mut expected = bytes[..taken].to_vec();
        expected.extend(vec![1; room]);
        talk.subject_io.unblock(Operation::Write);
        executor::block_on(send(&mut talk.subject, &[2; 500]));
        expected.extend([2; 500]);
        assert!(read_what_is_there(&mut talk.peer) == expected);
    });
}

#[test]
fn a_flush_reports_that_pending_bytes_could_not_be_sent() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"lost");
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
        let error = executor::block_on(talk.subject.flush()).expect_err("a failure");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_read_reports_that_pending_bytes_could_not_be_sent() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"question");
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::TimedOut));
        match poll_read(&mut talk.subject, 100) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::TimedOut),
            other => panic!("{other:?} for a response that can never arrive"),
        }
    });
}

/// The failure is found by the response to a key update, for which no operation waits.
#[test]
fn a_read_reports_a_failure_found_by_a_key_update() {
    for_each_talk(|mut talk| {
        if !is_tls13(&talk) {
            return;
        }
        write(&mut talk, b"question");
        request_key_update(&mut talk.peer);
        executor::block_on(send(&mut talk.peer, b"."));
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::TimedOut));
        executor::block_on(receive(&mut talk.subject, 1));
        match poll_read(&mut talk.subject, 100) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::TimedOut),
            other => panic!("{other:?} for a response that can never arrive"),
        }
    });
}

#[test]
fn the_parts_of_a_stream_contain_pending_bytes() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"waiting");
        let plaintext = match talk.subject {
            TlsStream::Client(stream) => stream.into_parts().plaintext,
            TlsStream::Server(stream) => stream.into_parts().plaintext,
        };
        assert_eq!(plaintext, b"waiting");
    });
}

#[test]
fn a_shutdown_sends_pending_bytes_first() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"waiting");
        talk.subject_io.block(Operation::Write);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(&mut talk.subject).poll_shutdown(&mut cx).is_pending());
        talk.subject_io.unblock(Operation::Write);
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        let mut received = Vec::new();
        executor::block_on(talk.peer.read_to_end(&mut received)).expect("a clean end");
        assert_eq!(received, b"waiting");
    });
}
