//! `close`: shuts down, and reads until the peer has closed, too.

use std::io::ErrorKind;
use std::task::Poll;

use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    Side, Talk, for_each_talk, for_each_talk_and_shape, pattern, poll_once, receive_all, send,
};

#[test]
fn two_sides_that_still_send_close_at_once() {
    for_each_talk_and_shape(
        |Talk {
             mut subject,
             subject_io,
             mut peer,
             peer_io,
         }| {
            let bytes = pattern(5000);
            let (watch_subject, watch_peer) = ([&subject_io], [&peer_io]);
            let leave = async {
                // Bytes that do not fit into the transport are sent by the close.
                let _ = subject.write(&bytes).await.expect("a write");
                subject.close().await
            };
            let other = async {
                let _ = peer.write(&bytes).await.expect("a write");
                peer.close().await
            };
            let (one, other) = executor::join(
                Watched::new(leave, &watch_subject),
                Watched::new(other, &watch_peer),
            );
            one.expect("a close");
            other.expect("a close");
            assert!(subject_io.is_closed() && peer_io.is_closed());
        },
    );
}

/// A peer that reads only when it has written everything, which is more than fits into the pipe and
/// into the input of a shutdown.
#[test]
fn it_reads_while_its_own_bytes_are_blocked() {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            let Talk {
                mut subject,
                mut peer,
                ..
            } = under_test.talk(version, pipe(100));
            let bytes = pattern(300_000);
            let leave = async {
                let taken = subject.write(&bytes).await.expect("a write");
                subject.close().await.expect("a close");
                taken
            };
            let other = async {
                send(&mut peer, &bytes).await;
                let received = receive_all(&mut peer).await.expect("a clean end");
                peer.shutdown().await.expect("a shutdown");
                received
            };
            let (taken, received) = executor::join(leave, other);
            assert!(received == bytes[..taken]);
        }
    }
}

#[test]
fn it_completes_when_the_peer_has_closed() {
    for_each_talk(|talk| {
        let (mut subject, mut peer) = (talk.subject, talk.peer);
        let mut executor = Executor::new();
        let close = executor.spawn("close", subject.close());
        assert!(!executor.run_until_stalled());
        let rest = executor::block_on(receive_all(&mut peer));
        assert_eq!(rest.expect("a clean end"), b"");
        executor::block_on(send(&mut peer, &pattern(100_000)));
        assert!(!executor.run_until_stalled(), "the peer can still send");
        assert_eq!(talk.subject_io.unread(), 0, "what it sends is read");
        executor::block_on(peer.shutdown()).expect("a shutdown");
        executor.run();
        close.take().expect("a close");
    });
}

#[test]
fn an_end_without_close_notify_is_accepted() {
    for_each_talk(|mut talk| {
        drop(talk.peer);
        let closed = executor::block_on(talk.subject.close());
        // The peer's end does not accept a close_notify any more.
        assert_eq!(
            closed.expect_err("the peer is gone").kind(),
            ErrorKind::BrokenPipe
        );
    });
    for_each_talk(|mut talk| {
        talk.subject_io.end_of_stream();
        executor::block_on(talk.subject.close()).expect("a close");
        assert!(talk.subject_io.is_closed());
    });
}

#[test]
fn errors_of_either_direction_are_reported() {
    for operation in [Operation::Read, Operation::Write, Operation::Shutdown] {
        for_each_talk(|mut talk| {
            let reset = Answer::Error(ErrorKind::ConnectionReset);
            talk.subject_io.always(operation, reset);
            let error = executor::block_on(talk.subject.close()).expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        });
    }
}

#[test]
fn a_shutdown_gives_up_reads_that_go_on_failing() {
    for_each_talk(|mut talk| {
        let failures = vec![Answer::Error(ErrorKind::TimedOut); 1000];
        talk.subject_io.script(Operation::Read, failures);
        let before = talk.subject_io.counts().read.calls;
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        let calls = talk.subject_io.counts().read.calls - before;
        assert!((2..=20).contains(&calls), "{calls} reads");
        let error = executor::block_on(talk.subject.read_u8()).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn a_cancelled_close_can_be_repeated() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        assert!(poll_once(talk.subject.close()).is_pending());
        talk.subject_io.unblock(Operation::Write);
        assert!(poll_once(talk.subject.close()).is_pending());
        executor::block_on(talk.peer.shutdown()).expect("a shutdown");
        for _ in 0..2 {
            executor::block_on(talk.subject.close()).expect("a close");
        }
    });
}

#[test]
fn a_peer_that_sends_without_end_does_not_keep_the_thread() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, &pattern(2 << 20)));
        let unread = talk.subject_io.unread();
        assert!(matches!(
            poll_once(talk.subject.close()),
            Poll::<std::io::Result<()>>::Pending
        ));
        let taken = unread - talk.subject_io.unread();
        assert!(taken < 512 * 1024, "{taken} bytes in one poll");
        executor::block_on(talk.peer.shutdown()).expect("a shutdown");
        executor::block_on(talk.subject.close()).expect("a close");
    });
}
