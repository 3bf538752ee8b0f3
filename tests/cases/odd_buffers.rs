//! Unusual buffers: none, empty ones, a large number.

use std::io::ErrorKind;
use std::task::Poll;

use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Operation};
use tokio::io::AsyncWriteExt;

use crate::support::{
    for_each_talk, pattern, poll_once, poll_read, read_what_is_there, receive, send, write_vectored,
};

#[test]
fn an_empty_write_sends_nothing() {
    for_each_talk(|mut talk| {
        let before = talk.subject_io.written().len();
        for slices in [&[][..], &[&[][..]], &[&[], &[], &[]]] {
            let taken = executor::block_on(write_vectored(&mut talk.subject, slices));
            assert_eq!(taken.expect("an empty write succeeds"), 0);
        }
        assert_eq!(
            executor::block_on(talk.subject.write(b"")).expect("an empty write succeeds"),
            0
        );
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert_eq!(talk.subject_io.written().len(), before);
        executor::block_on(send(&mut talk.subject, b"something"));
        assert_eq!(executor::block_on(receive(&mut talk.peer, 9)), b"something");
    });
}

#[test]
fn an_empty_write_reports_a_closed_stream_and_an_error() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        executor::block_on(talk.subject.write(b"held")).expect("a write");
        talk.subject_io.unblock(Operation::Write);
        let reset = Answer::Error(ErrorKind::ConnectionReset);
        talk.subject_io.script(Operation::Write, [reset]);
        // The reader encounters the error in place of the writer.
        assert!(poll_read(&mut talk.subject, 64).is_pending());
        let error = executor::block_on(talk.subject.write(b"")).expect_err("the error");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
    for_each_talk(|mut talk| {
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        let error = executor::block_on(talk.subject.write(b"")).expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn an_empty_write_completes_while_writes_are_blocked() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        assert!(poll_once(talk.subject.write_all(&pattern(300_000))).is_pending());
        assert_eq!(
            poll_once(talk.subject.write(b"")).map(Result::unwrap),
            Poll::Ready(0)
        );
    });
}

#[test]
fn empty_slices_among_others_are_skipped() {
    for_each_talk(|mut talk| {
        let bytes = pattern(40_000);
        let mut slices: Vec<&[u8]> = Vec::new();
        for chunk in bytes.chunks(150) {
            slices.extend([&[][..], chunk, &[]]);
        }
        write_all_vectored(&mut talk, &slices);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn slices_after_many_empty_ones_are_found() {
    for_each_talk(|mut talk| {
        let mut slices: Vec<&[u8]> = vec![&[]; 5000];
        slices.push(b"found");
        let taken = executor::block_on(write_vectored(&mut talk.subject, &slices));
        assert_eq!(taken.expect("a write"), 5);
        assert_eq!(read_what_is_there(&mut talk.peer), b"found");
    });
}

/// rustls gathers 64 slices, a kernel 1,024: more must not be an error, and none may be omitted.
#[test]
fn any_number_of_slices_is_accepted() {
    for count in [63, 64, 65, 1023, 1024, 1025, 3000] {
        for length in [1, 33, 700] {
            for_each_talk(|mut talk| {
                let bytes = pattern(count * length);
                let slices: Vec<&[u8]> = bytes.chunks(length).collect();
                write_all_vectored(&mut talk, &slices);
                assert!(
                    read_what_is_there(&mut talk.peer) == bytes,
                    "{count} slices of {length}"
                );
            });
        }
    }
}

fn write_all_vectored(talk: &mut crate::support::Talk, mut slices: &[&[u8]]) {
    executor::block_on(async {
        let mut in_first = 0;
        while let [first, rest @ ..] = slices {
            let mut offer = vec![&first[in_first..]];
            offer.extend(rest);
            let taken = write_vectored(&mut talk.subject, &offer).await;
            in_first += taken.expect("a write");
            while let [first, rest @ ..] = slices {
                if in_first < first.len() {
                    break;
                }
                in_first -= first.len();
                slices = rest;
            }
        }
        talk.subject.flush().await.expect("a flush");
    });
}
