//! 3. Nothing stays unsent while the program only reads, and a flush sends everything.

use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Operation, pipe};
use tokio::io::AsyncWriteExt;

use crate::support::{
    Side, Talk, WIDE, for_each_talk, for_each_talk_and_shape, pattern, poll_read, receive, records,
    request_key_update, send,
};

#[test]
fn a_reader_answers_a_key_update() {
    for under_test in Side::BOTH {
        for buffered in [false, true] {
            let mut talk = under_test.talk(Version::Tls13, pipe(WIDE));
            if buffered {
                talk.subject_io.buffer(8 * 1024);
            }
            request_key_update(&mut talk.peer);
            executor::block_on(talk.peer.flush()).expect("a flush");
            assert_eq!(talk.subject_io.unread_by_peer(), 0);
            assert!(poll_read(&mut talk.subject, 64).is_pending());
            let answer = talk.subject_io.unread_by_peer();
            assert!(answer > 0, "{under_test:?} answers, buffered: {buffered}");

            // The new keys are in use on both sides.
            executor::join(send(&mut talk.subject, b"new"), receive(&mut talk.peer, 3));
            executor::join(send(&mut talk.peer, b"keys"), receive(&mut talk.subject, 4));
        }
    }
}

#[test]
fn requests_that_arrive_together_get_one_response() {
    for under_test in Side::BOTH {
        for requests in [1, 2, 5, 30] {
            let mut talk = under_test.talk(Version::Tls13, pipe(WIDE));
            for _ in 0..requests {
                request_key_update(&mut talk.peer);
            }
            executor::block_on(talk.peer.flush()).expect("a flush");
            let reads = talk.subject_io.counts().read.calls;
            let before = talk.subject_io.written().len();
            assert!(poll_read(&mut talk.subject, 64).is_pending());
            // The last of them would block.
            assert_eq!(talk.subject_io.counts().read.calls - reads, 2);
            let answer = talk.subject_io.written().split_off(before);
            assert_eq!(records(&answer).len(), 1, "{requests} requests");
            executor::join(send(&mut talk.subject, b"new"), receive(&mut talk.peer, 3));
            executor::join(send(&mut talk.peer, b"keys"), receive(&mut talk.subject, 4));
        }
    }
}

#[test]
fn a_mebibyte_without_a_flush_is_sent_while_the_response_is_awaited() {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            // Room for a part of the request: the rest has to be sent when the stream is read.
            let talk = under_test.talk(version, pipe(20_000));
            request_without_a_flush(talk, &pattern(1 << 20));
        }
    }
}

#[test]
fn a_request_without_a_flush_is_sent_over_every_transport() {
    for_each_talk_and_shape(|talk| request_without_a_flush(talk, &pattern(5000)));
}

fn request_without_a_flush(mut talk: Talk, request: &[u8]) {
    let subject = async {
        talk.subject.write_all(request).await.expect("a write");
        receive(&mut talk.subject, 6).await
    };
    let peer = async {
        let received = receive(&mut talk.peer, request.len()).await;
        send(&mut talk.peer, b"answer").await;
        received
    };
    let (answer, received) = executor::join(subject, peer);
    assert_eq!(answer, b"answer");
    assert!(received == request);
}

#[test]
fn a_flush_sends_everything_and_flushes_the_transport() {
    for_each_talk(|mut talk| {
        talk.subject_io.buffer(8 * 1024);
        let flushes = talk.subject_io.counts().flush.calls;
        let before = talk.peer_io.unread();
        let written = talk.subject_io.written().len();
        executor::block_on(send(&mut talk.subject, &pattern(3000)));
        let sent = talk.subject_io.written().len() - written;
        assert_eq!(
            talk.peer_io.unread() - before,
            sent,
            "everything written was delivered"
        );
        assert!(sent > 3000);
        assert!(talk.subject_io.counts().flush.calls > flushes);
    });
}

#[test]
fn a_failed_flush_of_the_transport_is_reported() {
    for_each_talk(|mut talk| {
        let failure = std::io::ErrorKind::HostUnreachable;
        talk.subject_io
            .always(Operation::Flush, Answer::Error(failure));
        let flushed = executor::block_on(talk.subject.flush());
        assert_eq!(flushed.expect_err("a failed flush").kind(), failure);
    });
}
