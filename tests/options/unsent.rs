//! How much a writer may leave behind.

use pollback::Options;
use pollback_testkit::executor;

use crate::support::{pattern, poll_read, read_what_is_there, send};
use crate::talks::{for_each_talk_with, records, write_to_a_blocked_transport};

const THREE_RECORDS: usize = 48 * 1024;

#[test]
fn several_records_leave_in_one_call() {
    let options = Options::new().with_unsent(THREE_RECORDS);
    for_each_talk_with(options, |mut talk| {
        let bytes = pattern(16 * THREE_RECORDS);
        let (calls, before) = (
            talk.subject_io.counts().writes(),
            talk.subject_io.written().len(),
        );
        executor::block_on(async {
            for part in bytes.chunks(THREE_RECORDS) {
                send(&mut talk.subject, part).await;
            }
        });
        assert_eq!(talk.subject_io.counts().writes() - calls, 16);
        assert_eq!(records(&talk, before), [16_384; 48]);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn no_more_than_that_stays_behind() {
    let bytes = pattern(1 << 20);
    for (unsent, length, most) in [
        // One record, of whatever length.
        (0, 1000, 1000),
        (0, 100_000, 16_384),
        (10_000, 100_000, 16_384),
        (10_000, 1000, 10_000),
        (THREE_RECORDS, 100_000, THREE_RECORDS),
    ] {
        for_each_talk_with(Options::new().with_unsent(unsent), |mut talk| {
            let taken = write_to_a_blocked_transport(&mut talk, &bytes, length);
            assert_eq!(taken, most, "{unsent} bytes in writes of {length}");
            executor::block_on(send(&mut talk.subject, &[]));
            assert!(read_what_is_there(&mut talk.peer) == bytes[..taken]);
        });
    }
}

/// The connection itself takes 64 KiB by default.
#[test]
fn the_limit_of_the_connection_holds_too() {
    let bytes = pattern(1 << 20);
    for_each_talk_with(Options::new().with_unsent(usize::MAX), |mut talk| {
        let taken = write_to_a_blocked_transport(&mut talk, &bytes, 100_000);
        assert!((1..=64 * 1024).contains(&taken), "{taken} bytes");
        executor::block_on(send(&mut talk.subject, &bytes[taken..]));
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_reader_pushes_all_of_it() {
    let bytes = pattern(THREE_RECORDS);
    for_each_talk_with(Options::new().with_unsent(THREE_RECORDS), |mut talk| {
        let taken = write_to_a_blocked_transport(&mut talk, &bytes, THREE_RECORDS);
        assert_eq!(taken, THREE_RECORDS);
        assert!(poll_read(&mut talk.subject, 1).is_pending());
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}
