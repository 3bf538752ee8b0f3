//! Errors: an error of the transport is the result of one attempt, a failure of TLS is permanent.

use std::io::ErrorKind;
use std::task::Poll;

use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Injected, Operation, pipe};
use pollback_testkit::watched::Watched;
use rustls::{AlertDescription, InvalidMessage};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use crate::forger::{ALERT, DATA, FULL, HANDSHAKE, for_each_victim, plain_record};
use crate::support::{
    WIDE, acceptor, assert_alert, client_hello, connector, error_kind, for_each_talk, localhost,
    pattern, poll_once, poll_read, read_what_is_there, receive, records, send, tls_error,
    write_vectored,
};
use pollback::StartHandshake;
use pollback::rustls::{self, ClientConnection, server::Acceptor};

const RESET: Answer = Answer::Error(ErrorKind::ConnectionReset);

/// The contents of a fatal alert of a peer that gives no reason.
const FATAL_INTERNAL_ERROR: [u8; 2] = [2, 80];

#[test]
fn an_error_after_a_partial_write_comes_with_the_next_call() {
    for_each_talk(|mut talk| {
        talk.subject_io
            .script(Operation::Write, [Answer::Honest, RESET]);
        let bytes = pattern(100_000);
        let taken = executor::block_on(talk.subject.write(&bytes)).expect("a part was accepted");
        assert!(taken > 0 && taken < bytes.len());
        let rest = &bytes[taken..];
        let error = executor::block_on(talk.subject.write(rest)).expect_err("the error");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(read_what_is_there(&mut talk.peer) == bytes[..taken]);
    });
}

#[test]
fn an_error_after_a_partial_vectored_write_comes_with_the_next_write() {
    for_each_talk(|mut talk| {
        talk.subject_io
            .script(Operation::Write, [Answer::Honest, RESET]);
        let bytes = pattern(80_000);
        let slices: Vec<&[u8]> = bytes.chunks(7000).collect();
        let taken = executor::block_on(write_vectored(&mut talk.subject, &slices));
        assert!(taken.expect("a part was accepted") > 0);
        let error = executor::block_on(talk.subject.write(b"more")).expect_err("the error");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_failed_read_can_be_repeated() {
    for_each_talk(|mut talk| {
        let timed_out = Answer::Error(ErrorKind::TimedOut);
        talk.subject_io
            .script(Operation::Read, [timed_out, timed_out]);
        executor::block_on(send(&mut talk.peer, b"after the errors"));
        for _ in 0..2 {
            let error = executor::block_on(talk.subject.read(&mut [0; 64])).expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(error.to_string(), "injected");
        }
        let received = executor::block_on(receive(&mut talk.subject, 16));
        assert_eq!(received, b"after the errors");
        talk.subject_io.end_of_stream();
        assert_truncated_for_ever(&mut talk.subject);
    });
}

fn assert_truncated_for_ever<S: AsyncRead + Unpin>(stream: &mut S) {
    for _ in 0..3 {
        let error = executor::block_on(stream.read_u8()).expect_err("a truncation");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(error_kind(&error), Some(pollback::ErrorKind::Truncated));
    }
}

#[test]
fn the_error_itself_is_passed_on() {
    for code in [None, Some(CODE)] {
        for shut_down in [false, true] {
            for_each_talk(|mut talk| {
                let error = code.map_or(RESET, Answer::Code);
                talk.subject_io.script(Operation::Read, [error]);
                talk.subject_io.end_of_stream();
                if shut_down {
                    // It reads the available input, and must not lose the error.
                    for _ in 0..2 {
                        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
                    }
                }
                let error = executor::block_on(talk.subject.read_u8()).expect_err("an error");
                assert_eq!(error.raw_os_error(), code);
                let inner = error.get_ref();
                assert_eq!(inner.is_some_and(|e| e.is::<Injected>()), code.is_none());
                assert_truncated_for_ever(&mut talk.subject);
            });
        }
    }
}

#[test]
fn a_failed_write_can_be_followed_by_another() {
    for_each_talk(|mut talk| {
        let timed_out = Answer::Error(ErrorKind::TimedOut);
        talk.subject_io.script(Operation::Write, [timed_out]);
        let error = executor::block_on(talk.subject.write(b"one, ")).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        // The first write was not reported as accepted; but if it is sent, then in full and first.
        executor::block_on(send(&mut talk.subject, b"two"));
        let received = read_what_is_there(&mut talk.peer);
        assert!(received == b"two" || received == b"one, two");
    });
}

#[test]
fn data_that_arrived_before_an_error_is_read_first() {
    // The first is returned from the connection, the last from ciphertext that a shutdown has read
    // and for which the connection had no room.
    for_each_talk(|mut talk| {
        let bytes = pattern(18_000);
        executor::block_on(send(&mut talk.peer, &bytes));
        talk.subject_io
            .script(Operation::Read, [Answer::Honest, RESET]);
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        let received = executor::block_on(receive(&mut talk.subject, bytes.len()));
        assert!(received == bytes);
        let error = executor::block_on(talk.subject.read_u8()).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(poll_read(&mut talk.subject, 64).is_pending());
    });
}

#[test]
fn a_partial_read_is_followed_by_the_error() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"part"));
        talk.subject_io
            .script(Operation::Read, [Answer::Honest, RESET]);
        assert_eq!(
            executor::block_on(talk.subject.read(&mut [0; 64])).expect("a part"),
            4
        );
        let error = executor::block_on(talk.subject.read_u8()).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(poll_read(&mut talk.subject, 64).is_pending());
    });
}

#[test]
fn a_failure_of_tls_is_permanent_even_if_the_transport_fails() {
    for_each_talk(|mut talk| {
        talk.subject_io.inject(&plain_record(DATA, &[0; 64]));
        talk.subject_io
            .script(Operation::Read, [Answer::Honest, RESET]);
        for _ in 0..3 {
            let read = executor::block_on(talk.subject.read_u8()).map(drop);
            let flush = executor::block_on(talk.subject.flush());
            for error in [read, flush].map(|answer| answer.expect_err("a bad record")) {
                assert_eq!(
                    error_kind(&error),
                    Some(pollback::ErrorKind::Misbehaved),
                    "{error:?}"
                );
            }
        }
    });
}

#[test]
fn a_fatal_alert_is_reported_at_once_while_writes_are_blocked() {
    for_each_victim(|mut victim| {
        victim.io.block(Operation::Write);
        let written = poll_once(victim.subject.write_all(&pattern(300_000)));
        assert!(written.is_pending(), "more than the blocked stream accepts");
        victim.receives(ALERT, &FATAL_INTERNAL_ERROR);
        // The peer has ended the connection and accepts nothing more, so there is no reason to
        // wait.
        for _ in 0..3 {
            let answer = poll_read(&mut victim.subject, 64);
            let Poll::Ready(Err(error)) = answer else {
                panic!("{answer:?} instead of the alert");
            };
            assert_alert(&error, AlertDescription::InternalError);
        }
    });
}

#[test]
fn a_fatal_alert_ends_a_handshake_whose_writes_are_blocked() {
    for version in Version::ALL {
        let alert = plain_record(ALERT, &FATAL_INTERNAL_ERROR);

        let (end, _peer) = pipe(WIDE);
        end.control().block(Operation::Write);
        end.control().inject(&alert);
        let connect = connector(Setup::new(version).client()).connect(localhost(), end);
        let error = executor::block_on(connect).expect_err("an alert");
        assert_alert(&error, AlertDescription::InternalError);

        let (end, _peer) = pipe(WIDE);
        end.control().block(Operation::Write);
        end.control().inject(&client_hello(version));
        end.control().inject(&alert);
        let accept = acceptor(Setup::new(version).server()).accept(end);
        let error = executor::block_on(accept).expect_err("an alert");
        assert_alert(&error, AlertDescription::InternalError);
    }
}

#[test]
fn our_alert_follows_blocked_writes_and_is_sent_in_full() {
    for_each_talk(|talk| {
        let (mut subject, subject_io, mut peer) = (talk.subject, talk.subject_io, talk.peer);
        subject_io.block(Operation::Write);
        let before = subject_io.written().len();
        subject_io.inject(&plain_record(DATA, &[0; 64]));
        let watch = [&subject_io];
        let mut executor = Executor::new();
        let reader = executor.spawn("reader", Watched::new(subject.read_u8(), &watch));
        assert!(!executor.run_until_stalled());
        subject_io.unblock(Operation::Write);
        executor.run();
        assert_eq!(
            error_kind(&reader.take().expect_err("a bad record")),
            Some(pollback::ErrorKind::Misbehaved)
        );
        assert_eq!(records(&subject_io.written()[before..]).len(), 1);
        let error = executor::block_on(peer.read_u8()).expect_err("an alert");
        assert_alert(&error, AlertDescription::BadRecordMac);
    });
}

#[cfg(feature = "early-data")]
#[test]
fn a_failed_handshake_with_early_data_returns_each_error() {
    let setup = Setup::new(Version::Tls13).early_data(1000);
    let (client_config, server_config) = (setup.client(), setup.server());
    let (mut client, mut server) =
        crate::support::handshake(client_config.clone(), server_config, pipe(WIDE));
    executor::join(send(&mut server, b"ticket"), receive(&mut client, 6));

    let (end, _peer) = pipe(WIDE);
    let io = end.control();
    let connector = connector(client_config).early_data(true);
    let mut stream = executor::block_on(connector.connect(localhost(), end)).expect("early data");
    assert!(stream.get_ref().1.is_handshaking());
    io.script(Operation::Read, [RESET]);
    io.end_of_stream();
    let error = executor::block_on(stream.read_u8()).expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_truncated_for_ever(&mut stream);
}

/// An error code that no part of the crate creates itself.
const CODE: i32 = 113;

/// An alert in plaintext would be another violation of the protocol.
#[test]
fn a_message_over_the_limit_after_the_handshake_is_refused_with_an_encrypted_record() {
    for_each_victim(|mut victim| {
        let before = victim.io.written().len();
        let mut message = vec![0; FULL];
        // The type of a ticket, and a length of 65,536 bytes.
        message[..4].copy_from_slice(&[4, 1, 0, 0]);
        victim.receives(HANDSHAKE, &message);
        let error = executor::block_on(victim.subject.read_u8()).expect_err("too long");
        let too_large = rustls::Error::from(InvalidMessage::HandshakePayloadTooLarge);
        assert_eq!(tls_error(&error), &too_large);
        let said = victim.io.written().split_off(before);
        // An alert in plaintext would have two bytes.
        assert!(said.len() > 5 + 2, "{said:?}");
        assert_eq!(records(&said).len(), 1);
    });
}

/// The connection finds it while it is created, before the stream polls it.
#[test]
fn a_failure_that_arrived_with_the_hello_is_returned_at_once() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let mut client =
            ClientConnection::new(setup.client().into(), localhost()).expect("a client");
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).expect("memory");
        bytes.extend(plain_record(DATA, b"x"));
        let mut acceptor = Acceptor::default();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            acceptor.read_tls(&mut rest).expect("room");
        }
        let accepted = acceptor.accept().map_err(|(error, _)| error);
        let accepted = accepted.expect("a valid hello").expect("a whole one");
        let (end, _peer) = pipe(WIDE);
        let io = end.control();
        let start = StartHandshake::from_parts(accepted, end);
        let accept = start.into_stream(setup.server().into());
        let mut executor = Executor::new();
        let accepting = executor.spawn("the server", accept);
        executor.run_until_stalled();
        tls_error(&accepting.take().expect_err("data in a handshake"));
        let answer = io.written();
        let mut rest = &answer[..];
        let told = loop {
            client.read_tls(&mut rest).expect("room");
            match client.process_new_packets() {
                Ok(_) => assert!(!rest.is_empty(), "no alert"),
                Err(error) => break error,
            }
        };
        // With TLS 1.3 the record cannot be decrypted.
        let told_why = matches!(told, rustls::Error::AlertReceived(_));
        assert!(told_why, "{version:?}: {told:?}");
    }
}
