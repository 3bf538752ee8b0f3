//! How much a stream buffers for a blocked transport, without batches.

use pollback::Options;
use pollback_testkit::executor;

use crate::support::{pattern, poll_read, read_what_is_there, send};
use crate::talks::{for_each_talk_with, records, write_to_a_blocked_transport};

/// The plaintext of a full record.
const RECORD: usize = 16 * 1024;

#[test]
fn no_more_than_the_limit_is_buffered() {
    let bytes = pattern(1 << 20);
    for (limit, length, least, most) in [
        // The limit is on ciphertext, so small records fill it sooner.
        (0, 1000, 15_000, RECORD),
        (RECORD, 100_000, RECORD, RECORD),
        (40_000, 100_000, 40_000 - 64, 40_000),
        (64 * 1024, 1000, 63_000, 64 * 1024),
        (64 * 1024, 1 << 20, 64 * 1024 - 128, 64 * 1024),
        (300_000, 1 << 20, 300_000 - 600, 300_000),
    ] {
        for_each_talk_with(Options::new().with_send_buffer_limit(limit), |mut talk| {
            let taken = write_to_a_blocked_transport(&mut talk, &bytes, length);
            assert!(
                (least..=most).contains(&taken),
                "{taken} of {limit} bytes in writes of {length}"
            );
            executor::block_on(send(&mut talk.subject, &[]));
            assert!(read_what_is_there(&mut talk.peer) == bytes[..taken]);
        });
    }
}

#[test]
fn a_reader_flushes_all_of_it() {
    let bytes = pattern(100_000);
    for_each_talk_with(
        Options::new().with_send_buffer_limit(200_000),
        |mut talk| {
            let taken = write_to_a_blocked_transport(&mut talk, &bytes, 50_000);
            assert_eq!(taken, bytes.len());
            assert!(poll_read(&mut talk.subject, 1).is_pending());
            assert!(read_what_is_there(&mut talk.peer) == bytes);
        },
    );
}

#[test]
fn large_writes_are_divided_between_records() {
    for_each_talk_with(Options::new(), |mut talk| {
        let bytes = pattern(16 * 4 * RECORD);
        let (calls, before) = (
            talk.subject_io.counts().writes(),
            talk.subject_io.written().len(),
        );
        executor::block_on(send(&mut talk.subject, &bytes));
        assert_eq!(talk.subject_io.counts().writes() - calls, 16);
        assert_eq!(records(&talk, before), [RECORD; 64]);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}
