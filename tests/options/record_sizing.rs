//! Records that start small.

use std::time::Duration;

use pollback::{Options, RecordSizing};
use pollback_testkit::executor;
use tokio::io::AsyncWriteExt;

use crate::support::{Talk, pattern, poll_read, read_what_is_there, send};
use crate::talks::{for_each_talk_with, records};

/// What arrives at a time over a slow link: the payload of a segment.
const SEGMENT: usize = 1428;

fn sized(first: usize, idle: Duration) -> Options {
    Options::new().with_record_sizing(RecordSizing::new(first, idle))
}

/// The records of a message.
fn sent(talk: &mut Talk, length: usize) -> Vec<usize> {
    let bytes = pattern(length);
    let before = talk.subject_io.written().len();
    executor::block_on(send(&mut talk.subject, &bytes));
    assert!(read_what_is_there(&mut talk.peer) == bytes);
    records(talk, before)
}

#[test]
fn records_grow_with_the_flow() {
    for_each_talk_with(sized(1000, Duration::MAX), |mut talk| {
        // A flow has begun with the bytes exchanged by `settle`.
        let sizes = sent(&mut talk, 200_000);
        assert_eq!(sizes[0], 1000);
        assert!(sizes[..sizes.len() - 1].is_sorted(), "{sizes:?}");
        let full = sizes.iter().position(|size| *size == 16_384);
        let before: usize = sizes[..full.expect("a full record")].iter().sum();
        assert!((60_000..84_000).contains(&before), "full after {before}");
        assert_eq!(sent(&mut talk, 16_384), [16_384]);
    });
}

#[test]
fn records_are_small_again_after_idle_time() {
    for_each_talk_with(sized(1000, Duration::ZERO), |mut talk| {
        assert_eq!(sent(&mut talk, 10_000), [1000; 10]);
    });
}

#[test]
fn a_record_of_the_default_fills_a_segment() {
    let options = Options::new().with_record_sizing(RecordSizing::default());
    for_each_talk_with(options, |mut talk| {
        let before = talk.subject_io.written().len();
        assert_eq!(sent(&mut talk, 1399), [1399]);
        let wire = talk.subject_io.written().len() - before;
        assert!((SEGMENT - 10..=SEGMENT).contains(&wire), "{wire} bytes");
    });
}

#[test]
fn coalesced_writes_are_divided_to_size() {
    let options = sized(1000, Duration::ZERO).with_batched_writes(true);
    for_each_talk_with(options, |mut talk| {
        let bytes = pattern(5000);
        let before = talk.subject_io.written().len();
        executor::block_on(async {
            for part in bytes.chunks(300) {
                talk.subject.write_all(part).await.expect("a write");
            }
            send(&mut talk.subject, &[]).await;
        });
        assert_eq!(records(&talk, before), [1000; 5]);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_record_that_does_not_fit_begins_the_next_attempt() {
    for (size, count) in [(1000, 65), (1024, 64)] {
        for_each_talk_with(sized(size, Duration::ZERO), |mut talk| {
            let before = talk.subject_io.written().len();
            let write = talk.subject.write(&[0; 100_000]);
            let taken = executor::block_on(write).expect("a write");
            assert_eq!(taken, count * size);
            assert_eq!(records(&talk, before), vec![size; count]);
        });
    }
}

/// How many segments have to arrive until the first byte can be used.
fn segments_to_the_first_byte(talk: &mut Talk) -> usize {
    executor::block_on(send(&mut talk.subject, &pattern(100_000)));
    let ciphertext = talk.subject_io.take_unread_by_peer();
    for (count, segment) in ciphertext.chunks(SEGMENT).enumerate() {
        talk.peer_io.inject(segment);
        if poll_read(&mut talk.peer, 1).is_ready() {
            return count + 1;
        }
    }
    panic!("no byte came through");
}

#[test]
fn the_first_byte_can_be_used_early() {
    let sizing = Options::new().with_record_sizing(RecordSizing::default());
    for (options, expected) in [(Options::default(), 12), (sizing, 1)] {
        for_each_talk_with(options, |mut talk| {
            assert_eq!(segments_to_the_first_byte(&mut talk), expected);
        });
    }
}
