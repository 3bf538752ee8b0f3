//! One side leaves: in the middle of a handshake, while the other sends, or only in one direction.

use std::io::ErrorKind as IoErrorKind;

use pollback::ErrorKind;
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Operation, pipe};
use rustls::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::forger::{ALERT, DATA, Victim, for_each_victim, plain_record};
use crate::support::{
    Side, WIDE, acceptor, assert_alert, client_hello, connector, error_kind, for_each_talk,
    localhost, poll_once, poll_read, receive_all, send,
};
use pollback::rustls;

/// A warning that the sender will send no more.
const CLOSE_NOTIFY: [u8; 2] = [1, 0];

#[test]
fn close_notify_during_the_handshake_is_an_error() {
    let close_notify = plain_record(ALERT, &CLOSE_NOTIFY);
    for version in Version::ALL {
        for after_hello in [false, true] {
            let (end, _peer) = pipe(WIDE);
            let io = end.control();
            if after_hello {
                io.inject(&client_hello(version));
            }
            io.inject(&close_notify);
            io.end_of_stream();
            let accept = acceptor(Setup::new(version).server()).accept(end);
            let error = executor::block_on(accept).expect_err("no handshake");
            assert_left(&error, &format!("{version:?} server, {after_hello}"));
        }
        let (end, _peer) = pipe(WIDE);
        let io = end.control();
        io.inject(&close_notify);
        io.end_of_stream();
        let connect = connector(Setup::new(version).client()).connect(localhost(), end);
        let error = executor::block_on(connect).expect_err("no handshake");
        assert_left(&error, &format!("{version:?} client"));
    }
}

#[test]
fn close_notify_during_the_handshake_over_an_open_transport_waits_for_more() {
    // In TLS 1.2 such an alert is a warning, and before the version is known it may be 1.2.
    let (end, _peer) = pipe(WIDE);
    let io = end.control();
    io.inject(&plain_record(ALERT, &CLOSE_NOTIFY));
    let mut connect = connector(Setup::new(Version::Tls12).client()).connect(localhost(), end);
    assert!(poll_once(&mut connect).is_pending());
    io.end_of_stream();
    let error = executor::block_on(connect).expect_err("no handshake");
    assert_eq!(error_kind(&error), Some(ErrorKind::Truncated));
}

/// Asserts that the error reports the close_notify, or the end of the transport.
fn assert_left(error: &std::io::Error, case: &str) {
    let kind = error_kind(error);
    assert!(
        kind == Some(ErrorKind::Truncated)
            || kind == Some(ErrorKind::Alert(AlertDescription::CloseNotify)),
        "{case}: {error:?}"
    );
}

/// TLS 1.3 has no warnings (RFC 8446, section 6), so rustls responds to one with an alert of its
/// own, which is sent before the error is returned.
#[test]
fn a_warning_is_answered_with_an_alert_before_it_is_reported() {
    const WARNING: [u8; 2] = [1, 40];
    for under_test in Side::BOTH {
        let mut victim = Victim::new(Version::Tls13, under_test);
        let before = victim.io.written().len();
        victim.io.block(Operation::Write);
        victim.receives(ALERT, &WARNING);
        assert!(poll_read(&mut victim.subject, 64).is_pending());
        victim.io.unblock(Operation::Write);
        let error = executor::block_on(victim.subject.read_u8()).expect_err("no warnings");
        assert_alert(&error, AlertDescription::HandshakeFailure);
        // Two bytes, the content type, and the overhead of encryption.
        let answer = victim.io.written().split_off(before);
        assert_eq!(answer.len(), 5 + 2 + 1 + 16, "{under_test:?}: {answer:?}");
    }
}

#[test]
fn data_after_close_notify_is_ignored() {
    for_each_victim(|mut victim| {
        victim.receives(DATA, b"before");
        victim.receives(ALERT, &CLOSE_NOTIFY);
        victim.receives(DATA, b"after");
        let received = executor::block_on(receive_all(&mut victim.subject));
        assert_eq!(received.expect("a clean end"), b"before");
        assert_ended(&mut victim);
        victim.receives(DATA, b"later");
        assert_ended(&mut victim);
        executor::block_on(send(&mut victim.subject, b"still heard"));
        executor::block_on(victim.subject.shutdown()).expect("a shutdown");
        assert_ended(&mut victim);
    });
}

fn assert_ended(victim: &mut Victim) {
    for _ in 0..3 {
        let end = executor::block_on(victim.subject.read(&mut [0; 8]));
        assert_eq!(end.expect("a clean end"), 0);
    }
}

#[test]
fn a_dropped_stream_is_a_truncation_to_the_peer() {
    for_each_talk(|mut talk| {
        drop(talk.subject);
        let read = poll_read(&mut talk.peer, 8);
        let std::task::Poll::Ready(Err(error)) = read else {
            panic!("{read:?} instead of an error");
        };
        assert_eq!(error.kind(), IoErrorKind::UnexpectedEof);
    });
    for under_test in Side::BOTH {
        let talk = under_test.talk(Version::Tls13, pipe(WIDE));
        let (mut peer, subject) = (talk.peer, talk.subject);
        let mut executor = Executor::new();
        let reader = executor.spawn("reader", peer.read_u8());
        assert!(!executor.run_until_stalled());
        drop(subject);
        executor.run();
        assert_eq!(
            reader.take().expect_err("a truncation").kind(),
            IoErrorKind::UnexpectedEof
        );
    }
}
