//! Whole records that wait for one another: small writes may wait, and there is room for several
//! records.

use std::io::ErrorKind;

use pollback::Options;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Operation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Talk, pattern, poll_once, poll_read, read_what_is_there, send};
use crate::talks::{
    assert_parked_reader_pushes, for_each_talk_with, records, write_to_a_blocked_transport,
};

const RECORD: usize = 16 * 1024;

const THREE_RECORDS: usize = 3 * RECORD;

const BATCHES: Options = Options::new()
    .with_batched_writes(true)
    .with_unsent(THREE_RECORDS);

fn for_each_talk(test: impl Fn(Talk)) {
    for_each_talk_with(BATCHES, test);
}

fn write(talk: &mut Talk, bytes: &[u8]) {
    executor::block_on(talk.subject.write_all(bytes)).expect("a write");
}

/// Writes as much as waits: two whole records and half of one.
fn write_what_waits(talk: &mut Talk) -> Vec<u8> {
    let bytes = pattern(2 * RECORD + RECORD / 2);
    let before = talk.subject_io.written().len();
    for part in bytes.chunks(RECORD) {
        write(talk, part);
    }
    assert_eq!(talk.subject_io.written().len(), before);
    bytes
}

#[test]
fn writes_of_any_size_leave_three_records_at_a_time() {
    for length in [1000, RECORD, 20_000, 64 * 1024] {
        for_each_talk(|mut talk| {
            let bytes = pattern(16 * THREE_RECORDS);
            let (calls, before) = (
                talk.subject_io.counts().writes(),
                talk.subject_io.written().len(),
            );
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

#[test]
fn records_wait_for_a_flush() {
    for_each_talk(|mut talk| {
        let bytes = write_what_waits(&mut talk);
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn records_wait_for_a_shutdown() {
    for_each_talk(|mut talk| {
        let bytes = write_what_waits(&mut talk);
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        let mut received = Vec::new();
        executor::block_on(talk.peer.read_to_end(&mut received)).expect("a clean end");
        assert!(received == bytes);
    });
}

#[test]
fn records_wait_for_a_read_that_parks() {
    for_each_talk(|mut talk| {
        let bytes = write_what_waits(&mut talk);
        assert!(poll_read(&mut talk.subject, 100).is_pending());
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_reader_that_has_parked_already_pushes_them() {
    for_each_talk(|talk| assert_parked_reader_pushes(talk, pattern(2 * RECORD)));
}

#[test]
fn a_blocked_transport_bounds_what_waits() {
    for_each_talk(|mut talk| {
        let bytes = pattern(1 << 20);
        let taken = write_to_a_blocked_transport(&mut talk, &bytes, 1000);
        let most = THREE_RECORDS + RECORD;
        assert!((THREE_RECORDS..most).contains(&taken), "{taken} bytes");
        // A write that is cancelled takes nothing, and may be followed by any other.
        talk.subject_io.block(Operation::Write);
        assert!(poll_once(talk.subject.write(&[1; 20_000])).is_pending());
        let mut expected = bytes[..taken].to_vec();
        talk.subject_io.unblock(Operation::Write);
        executor::block_on(send(&mut talk.subject, &[2; 500]));
        expected.extend([2; 500]);
        assert!(read_what_is_there(&mut talk.peer) == expected);
    });
}

/// It takes 64 KiB by default, and then the rest has to go on.
#[test]
fn more_may_wait_than_the_connection_has_room_for() {
    for_each_talk_with(BATCHES.with_unsent(1 << 20), |mut talk| {
        let bytes = pattern(300_000);
        for part in bytes.chunks(50_000) {
            write(&mut talk, part);
        }
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_flush_tells_that_records_could_not_be_sent() {
    for_each_talk(|mut talk| {
        write_what_waits(&mut talk);
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
        let error = executor::block_on(talk.subject.flush()).expect_err("a failure");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}
