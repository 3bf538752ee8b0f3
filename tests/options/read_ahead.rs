//! How much is read from the transport at once.

use pollback::Options;
use pollback_testkit::executor;

use crate::support::{Talk, pattern, receive, send};
use crate::talks::for_each_talk_with;

/// The number of reads of the transport for a mebibyte that has arrived.
fn reads(talk: &mut Talk) -> usize {
    let bytes = pattern(1 << 20);
    executor::block_on(send(&mut talk.peer, &bytes));
    let before = talk.subject_io.counts().read.calls;
    assert!(executor::block_on(receive(&mut talk.subject, bytes.len())) == bytes);
    talk.subject_io.counts().read.calls - before
}

#[test]
fn larger_reads_are_fewer() {
    let options = Options::new().with_read_ahead(18_500, 1 << 20);
    for_each_talk_with(options, |mut talk| {
        let reads = reads(&mut talk);
        assert!(reads <= 8, "{reads} reads of the transport");
    });
}

#[test]
fn smaller_reads_are_more() {
    for_each_talk_with(Options::new().with_read_ahead(4096, 4096), |mut talk| {
        let reads = reads(&mut talk);
        assert!((256..=262).contains(&reads), "{reads} reads");
    });
}

/// How much is read from the transport for a reader that wants one byte.
fn taken_for_one_byte(talk: &mut Talk) -> usize {
    executor::block_on(send(&mut talk.peer, &pattern(1 << 20)));
    let before = talk.subject_io.unread();
    executor::block_on(receive(&mut talk.subject, 1));
    before - talk.subject_io.unread()
}

#[test]
fn no_more_is_read_than_can_be_returned() {
    // A byte, and the largest possible record.
    for_each_talk_with(Options::default(), |mut talk| {
        assert_eq!(taken_for_one_byte(&mut talk), 1 + 16 * 1024 + 2048 + 5);
    });
}

/// In bulk transfers more and more is read at once, up to the limit; after a few small reads, less
/// again.
#[test]
fn the_size_follows_the_flow() {
    for_each_talk_with(
        Options::new().with_read_ahead(2048, 16 * 1024),
        |mut talk| {
            reads(&mut talk);
            // The last of it was little.
            assert!(most_at_once(&mut talk) >= 8 * 1024);
            for _ in 0..10 {
                executor::block_on(send(&mut talk.peer, b"little"));
                executor::block_on(receive(&mut talk.subject, 6));
            }
            assert_eq!(most_at_once(&mut talk), 2048);
        },
    );
}

/// How much the next read of the transport returns when plenty has arrived. Reads everything.
fn most_at_once(talk: &mut Talk) -> usize {
    let bytes = pattern(30_000);
    for part in bytes.chunks(100) {
        executor::block_on(send(&mut talk.peer, part));
    }
    let before = talk.subject_io.unread();
    executor::block_on(receive(&mut talk.subject, 1));
    let taken = before - talk.subject_io.unread();
    executor::block_on(receive(&mut talk.subject, bytes.len() - 1));
    taken
}
