//! 9. A read fills the caller's buffer with every record that has arrived.

use std::io::ErrorKind;
use std::task::Poll;

use pollback_testkit::executor;
use tokio::io::AsyncRead;

use crate::support::{for_each_talk, pattern, poll_read, send};

#[test]
fn one_read_returns_every_small_record() {
    for_each_talk(|mut talk| {
        let bytes = pattern(500);
        for chunk in bytes.chunks(10) {
            executor::block_on(send(&mut talk.peer, chunk));
        }
        assert_eq!(read_once(&mut talk.subject, 64 * 1024), bytes);
    });
}

#[test]
fn one_read_returns_every_large_record() {
    for_each_talk(|mut talk| {
        let bytes = pattern(60_000);
        executor::block_on(send(&mut talk.peer, &bytes));
        assert!(read_once(&mut talk.subject, 64 * 1024) == bytes);
    });
}

/// However large: there is nothing to wait for.
#[test]
fn one_read_fills_a_large_buffer() {
    for_each_talk(|mut talk| {
        let bytes = pattern(1 << 20);
        executor::block_on(send(&mut talk.peer, &bytes));
        assert!(read_once(&mut talk.subject, bytes.len()) == bytes);
    });
}

#[test]
fn a_small_buffer_is_filled_and_the_rest_kept() {
    for_each_talk(|mut talk| {
        let bytes = pattern(1000);
        for chunk in bytes.chunks(10) {
            executor::block_on(send(&mut talk.peer, chunk));
        }
        for expected in bytes.chunks(64) {
            assert_eq!(read_once(&mut talk.subject, 64), expected);
        }
        assert!(poll_read(&mut talk.subject, 64).is_pending());
    });
}

#[test]
fn complete_records_are_returned_before_an_incomplete_one() {
    for_each_talk(|mut talk| {
        let bytes = pattern(200);
        executor::block_on(send(&mut talk.peer, &bytes[..100]));
        let first = talk.peer_io.take_unread_by_peer();
        executor::block_on(send(&mut talk.peer, &bytes[100..]));
        let second = talk.peer_io.take_unread_by_peer();
        let (start, end) = second.split_at(second.len() / 2);
        talk.subject_io.inject(&[&first[..], start].concat());
        assert_eq!(read_once(&mut talk.subject, 1024), bytes[..100]);
        assert!(poll_read(&mut talk.subject, 1024).is_pending());
        talk.subject_io.inject(end);
        assert_eq!(read_once(&mut talk.subject, 1024), bytes[100..]);
    });
}

#[test]
fn an_empty_read_makes_no_attempt() {
    for_each_talk(|mut talk| {
        let before = talk.subject_io.counts();
        assert_eq!(read_once(&mut talk.subject, 0), b"");
        executor::block_on(send(&mut talk.peer, b"kept"));
        assert_eq!(read_once(&mut talk.subject, 0), b"");
        assert_eq!(talk.subject_io.counts(), before);
        assert_eq!(read_once(&mut talk.subject, 8), b"kept");
        // It is not an end of stream, and does not hide one.
        talk.subject_io.end_of_stream();
        assert_eq!(read_once(&mut talk.subject, 0), b"");
        let end = poll_read(&mut talk.subject, 8);
        assert!(matches!(end, Poll::Ready(Err(e)) if e.kind() == ErrorKind::UnexpectedEof));
    });
}

fn read_once<S: AsyncRead + Unpin>(stream: &mut S, room: usize) -> Vec<u8> {
    match poll_read(stream, room) {
        Poll::Ready(bytes) => bytes.expect("a successful read"),
        Poll::Pending => panic!("nothing was available"),
    }
}
