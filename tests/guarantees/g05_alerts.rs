//! 5. An alert is sent in full and flushed before the error is returned.

use std::io::ErrorKind;

use crate::engine::{self, AlertDescription, CertificateError, Error, Setup};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, End, Operation, pipe};

use pollback::ErrorKind as Kind;
use tokio::io::AsyncReadExt;

use crate::support::{
    ALERT, WIDE, acceptor, assert_alert, connector, error_kind, for_each_shape, for_each_talk,
    for_each_talk_and_shape, localhost, poll_once, receive_all, records, send, tls_error,
};

const NOT_TLS: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// A record that no key decrypts.
const FORGED: [u8; 5 + 64] = {
    let mut record = [0; 5 + 64];
    [record[0], record[1], record[2], record[4]] = [23, 3, 3, 64];
    record
};

#[test]
fn a_server_answers_other_protocols() {
    for_each_shape(|version, shape| {
        let (mut peer, end) = shape.open();
        end.control().inject(NOT_TLS);
        let accept = acceptor(Setup::new(version).server()).accept(end);
        let (accepted, answer) = executor::join(accept, receive_all(&mut peer));
        tls_error(&accepted.expect_err("not TLS"));
        assert_eq!(records(&answer.expect("an end")), [ALERT]);
    });
}

#[test]
fn a_lazy_server_answers_other_protocols() {
    for_each_shape(|_, shape| {
        let (mut peer, end) = shape.open();
        end.control().inject(NOT_TLS);
        let (accepted, answer) = executor::join(
            async { engine::lazy(end).await.map(drop) },
            receive_all(&mut peer),
        );
        tls_error(&accepted.expect_err("not TLS"));
        assert_eq!(records(&answer.expect("an end")), [ALERT]);
    });
}

#[test]
fn a_client_answers_other_protocols() {
    for_each_shape(|version, shape| {
        let (end, mut peer) = shape.open();
        end.control().inject(NOT_TLS);
        let connect = connector(Setup::new(version).client()).connect(localhost(), end);
        let (connected, answer) = executor::join(connect, receive_all(&mut peer));
        tls_error(&connected.expect_err("not TLS"));
        assert_eq!(records(&answer.expect("an end")).last(), Some(&ALERT));
    });
}

#[test]
fn a_server_learns_that_it_is_not_trusted() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version);
        let (client_end, server_end) = shape.open();
        let stranger = Authority::new();
        let client = connector(setup.client_trusting(&stranger));
        let (connected, accepted) = executor::join(
            client.connect(localhost(), client_end),
            acceptor(setup.server()).accept(server_end),
        );
        assert_eq!(
            tls_error(&connected.expect_err("an unknown issuer")),
            &Error::InvalidCertificate(CertificateError::UnknownIssuer)
        );
        assert_alert(&accepted.expect_err("an alert"), engine::UNKNOWN_CA);
    });
}

#[test]
fn a_client_learns_that_no_protocol_is_common() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version);
        let (client_end, server_end) = shape.open();
        let (connected, accepted) = executor::join(
            connector(setup.clone().alpn(&["h2"]).client()).connect(localhost(), client_end),
            acceptor(setup.alpn(&["http/1.1"]).server()).accept(server_end),
        );
        let error = accepted.expect_err("no common protocol");
        assert_eq!(tls_error(&error), &Error::NoApplicationProtocol);
        let error = connected.expect_err("an alert");
        assert_alert(&error, AlertDescription::NoApplicationProtocol);
    });
}

#[test]
fn a_connected_client_learns_that_it_needs_a_certificate() {
    for_each_shape(|version, shape| {
        let (client_end, server_end) = shape.open();
        let connector = connector(Setup::new(version).client());
        let client = async {
            // With TLS 1.3 the client has finished before the server notices that there is no
            // certificate.
            let mut stream = connector.connect(localhost(), client_end).await?;
            stream.read_u8().await
        };
        let accept = acceptor(Setup::new(version).client_auth().server()).accept(server_end);
        let (client, accepted) = executor::join(client, accept);
        let error = accepted.expect_err("no certificate");
        assert_eq!(tls_error(&error), &engine::no_certificate());
        let error = client.expect_err("an alert");
        assert_alert(&error, AlertDescription::CertificateRequired);
    });
}

#[test]
fn a_peer_learns_that_its_record_was_invalid() {
    for_each_talk_and_shape(|mut talk| {
        talk.subject_io.inject(&FORGED);
        let (read, heard) = executor::join(talk.subject.read_u8(), talk.peer.read_u8());
        assert_eq!(
            tls_error(&read.expect_err("a bad record")),
            &Error::DecryptError
        );
        assert_alert(
            &heard.expect_err("an alert"),
            AlertDescription::BadRecordMac,
        );
    });
}

/// Closing a socket with unread bytes causes a reset, which can overtake the alert.
#[test]
fn what_follows_a_bad_record_is_read() {
    for_each_talk(|mut talk| {
        talk.subject_io.inject(&FORGED);
        talk.subject_io.inject(&[0; 100_000]);
        let read = executor::block_on(talk.subject.read_u8());
        tls_error(&read.expect_err("a bad record"));
        assert_eq!(talk.subject_io.unread(), 0);
    });
}

#[test]
fn a_transport_that_fails_does_not_hide_the_cause() {
    for_each_talk(|mut talk| {
        talk.subject_io.inject(&FORGED);
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
        let error = executor::block_on(talk.subject.read_u8()).expect_err("a bad record");
        assert_eq!(tls_error(&error), &Error::DecryptError);
    });
    for version in Version::ALL {
        let (end, _peer) = failing_pipe();
        let connect = connector(Setup::new(version).client()).connect(localhost(), end);
        tls_error(&executor::block_on(connect).expect_err("not TLS"));

        let (end, _peer) = failing_pipe();
        end.control()
            .always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
        let accept = acceptor(Setup::new(version).server()).accept(end);
        tls_error(&executor::block_on(accept).expect_err("not TLS"));
    }
}

/// Something that is not TLS has arrived; the first write succeeds, and the next fails.
fn failing_pipe() -> (End, End) {
    let (end, peer) = pipe(WIDE);
    let io = end.control();
    io.inject(NOT_TLS);
    io.script(Operation::Write, [Answer::Honest]);
    io.always(Operation::Write, Answer::Error(ErrorKind::ConnectionReset));
    (end, peer)
}

#[test]
fn data_that_arrived_before_a_failure_is_read_first() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"answer"));
        talk.subject_io.inject(&FORGED);
        let mut room = [0; 64];
        let read = executor::block_on(talk.subject.read(&mut room));
        assert_eq!(&room[..read.expect("the answer")], b"answer");
        for _ in 0..2 {
            let read = executor::block_on(talk.subject.read(&mut room));
            assert_eq!(tls_error(&read.expect_err("forged")), &Error::DecryptError);
        }
    });
}

/// It receives nothing more.
#[test]
fn a_peer_that_has_failed_need_not_take_what_is_left() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        let _ = poll_once(send(&mut talk.subject, &[7; 1000]));
        talk.peer_io.inject(&FORGED);
        executor::block_on(talk.peer.read_u8()).expect_err("a bad record");
        let read = executor::block_on(talk.subject.read_u8());
        assert_alert(&read.expect_err("an alert"), AlertDescription::BadRecordMac);
    });
}

#[test]
fn an_alert_ends_a_handshake_whose_last_flight_is_blocked() {
    for version in Version::ALL {
        let (near, far) = pipe(WIDE);
        let (near_io, far_io) = (near.control(), far.control());
        let setup = Setup::new(version);
        let mut executor = Executor::new();
        let connect = connector(setup.client()).connect(localhost(), near);
        let connecting = executor.spawn("the client", connect);
        executor.run_until_stalled();
        let accept = acceptor(setup.server()).accept(far).into_fallible();
        let accepting = executor.spawn("the server", accept);
        // Its flight cannot be answered.
        near_io.block(Operation::Write);
        executor.run_until_stalled();
        far_io.inject(&FORGED);
        executor.run_until_stalled();
        // Its transport stays open.
        let (error, _far) = accepting.take().expect_err("a forged record");
        tls_error(&error);
        assert!(connecting.is_finished(), "the alert has arrived");
        let error = connecting.take().expect_err("an alert");
        let kind = error_kind(&error);
        assert!(matches!(kind, Some(Kind::Alert(_))), "{error:?}");
    }
}
