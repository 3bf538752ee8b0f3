//! Small writes that wait for one another.

use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use pollback::{Options, TlsStream};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Operation};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::support::{
    RECORD, Talk, pattern, poll_once, poll_read, read_what_is_there, receive, request_key_update,
    send, write_vectored,
};
use crate::talks::{assert_parked_reader_pushes, for_each_talk_with, is_tls13, records};

const COALESCING: Options = Options::new().with_coalescing(true);

fn for_each_talk(test: impl Fn(Talk)) {
    for_each_talk_with(COALESCING, test);
}

/// What the subject has written on the transport.
fn sent(talk: &Talk) -> usize {
    talk.subject_io.written().len()
}

fn write(talk: &mut Talk, bytes: &[u8]) {
    executor::block_on(talk.subject.write_all(bytes)).expect("a write");
}

/// Writes 100,000 bytes in parts and flushes, and sees what that takes on the transport.
fn assert_few_records(length: usize, write_part: impl Fn(&mut Talk, &[u8])) {
    for_each_talk(|mut talk| {
        let bytes = pattern(100_000);
        let (before, calls) = (sent(&talk), talk.subject_io.counts().writes());
        for part in bytes.chunks(length) {
            write_part(&mut talk, part);
        }
        executor::block_on(talk.subject.flush()).expect("a flush");
        let calls = talk.subject_io.counts().writes() - calls;
        assert!(calls <= 8, "{calls} writes of the transport");
        let records = records(&talk, before).len();
        assert!(records <= 8, "{records} records");
        let wire = sent(&talk) - before;
        assert!(wire <= 100_300, "{wire} bytes on the wire");
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_thousand_small_writes_make_few_records() {
    assert_few_records(100, write);
}

#[test]
fn small_vectored_writes_make_few_records() {
    assert_few_records(1000, |talk, part| {
        let slices: Vec<&[u8]> = part.chunks(100).collect();
        let taken = executor::block_on(write_vectored(&mut talk.subject, &slices));
        assert_eq!(taken.expect("a write"), part.len());
    });
}

/// More slices than are gathered at once.
#[test]
fn a_thousand_slices_are_taken_in_one_write() {
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
fn bytes_wait_for_a_shutdown() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"wait");
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        let mut received = Vec::new();
        executor::block_on(talk.peer.read_to_end(&mut received)).expect("a clean end");
        assert_eq!(received, b"wait");
    });
}

#[test]
fn bytes_wait_for_a_full_record() {
    for_each_talk(|mut talk| {
        let before = sent(&talk);
        let bytes = pattern(20_000);
        write(&mut talk, &bytes[..16_383]);
        assert_eq!(sent(&talk), before);
        write(&mut talk, &bytes[16_383..]);
        assert_eq!(records(&talk, before), [16_384]);
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert_eq!(records(&talk, before), [16_384, 20_000 - 16_384]);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn bytes_wait_for_a_read_that_parks() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"question");
        assert!(poll_read(&mut talk.subject, 100).is_pending());
        assert_eq!(read_what_is_there(&mut talk.peer), b"question");
    });
}

#[test]
fn bytes_wait_while_reads_find_something() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"something"));
        let before = sent(&talk);
        write(&mut talk, b"wait");
        assert!(poll_read(&mut talk.subject, 1).is_ready());
        assert_eq!(sent(&talk), before);
    });
}

#[test]
fn a_reader_that_has_parked_already_pushes_them() {
    for_each_talk(|talk| assert_parked_reader_pushes(talk, b"question".to_vec()));
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
fn no_more_than_one_record_stays_behind() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        let mut cx = Context::from_waker(Waker::noop());
        let mut taken = 0;
        for part in pattern(100_000).chunks(1000) {
            match Pin::new(&mut talk.subject).poll_write(&mut cx, part) {
                Poll::Ready(count) => taken += count.expect("a write"),
                Poll::Pending => break,
            }
        }
        assert!((1..RECORD).contains(&taken), "{taken} bytes were taken");
    });
}

#[test]
fn a_cancelled_write_may_be_followed_by_another() {
    for_each_talk(|mut talk| {
        let bytes = pattern(16_000);
        write(&mut talk, &bytes);
        talk.subject_io.block(Operation::Write);
        // Fills the record, which then stays here.
        let taken = match poll_once(talk.subject.write(&[1; 1000])) {
            Poll::Ready(taken) => taken.expect("a write"),
            Poll::Pending => 0,
        };
        assert!(poll_once(talk.subject.write(&[2; 1000])).is_pending());
        talk.subject_io.unblock(Operation::Write);
        executor::block_on(send(&mut talk.subject, &[3; 500]));
        let mut expected = bytes;
        expected.extend(vec![1; taken]);
        expected.extend([3; 500]);
        assert!(read_what_is_there(&mut talk.peer) == expected);
    });
}

#[test]
fn a_flush_tells_that_what_waited_could_not_be_sent() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"lost");
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
        let error = executor::block_on(talk.subject.flush()).expect_err("a failure");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_read_tells_that_what_waited_could_not_be_sent() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"question");
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
        match poll_read(&mut talk.subject, 100) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            other => panic!("{other:?} for an answer that can never come"),
        }
    });
}

/// The failure is met by the answer to a key update, for which nobody waits.
#[test]
fn a_read_tells_that_what_waited_cannot_be_sent_any_more() {
    for_each_talk(|mut talk| {
        if !is_tls13(&talk) {
            return;
        }
        write(&mut talk, b"question");
        request_key_update(&mut talk.peer);
        executor::block_on(send(&mut talk.peer, b"."));
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
        executor::block_on(receive(&mut talk.subject, 1));
        match poll_read(&mut talk.subject, 100) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
            other => panic!("{other:?} for an answer that can never come"),
        }
    });
}

#[test]
fn the_parts_of_a_stream_have_what_waits() {
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
fn a_connection_that_is_taken_out_has_what_waits() {
    for_each_talk(|mut talk| {
        write(&mut talk, b"waiting");
        let mut ciphertext = Vec::new();
        // The transport is kept, so that the peer sees no end.
        let _io = match talk.subject {
            TlsStream::Client(stream) => {
                let (io, mut connection) = stream.into_inner();
                connection.write_tls(&mut ciphertext).expect("a vector");
                io
            }
            TlsStream::Server(stream) => {
                let (io, mut connection) = stream.into_inner();
                connection.write_tls(&mut ciphertext).expect("a vector");
                io
            }
        };
        talk.peer_io.inject(&ciphertext);
        assert_eq!(read_what_is_there(&mut talk.peer), b"waiting");
    });
}

#[test]
fn a_shutdown_that_has_to_wait_sends_what_waits_first() {
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
