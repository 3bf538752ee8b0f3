//! A connection of rustls-ffi as a TLS stream.

use std::io::{self, IoSlice, Read};
use std::thread;

use pollback::ffi::FfiConnection;
use pollback::ffi::Refused;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::{Error, ErrorKind, TlsStream, rustls};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::configs::ClientConfig;
use crate::pair;
use crate::support::{
    Side, WIDE, acceptor, for_each_shape, for_each_side, for_each_talk, pattern, receive, send,
};

/// What is wrong with an answer, if that is known.
fn kind<T>(answer: io::Result<T>) -> Option<ErrorKind> {
    match answer {
        Ok(_) => panic!("a failure was expected"),
        Err(error) => Error::find(&error).map(|error| error.kind()),
    }
}

#[test]
fn bytes_go_both_ways_over_every_transport() {
    let data = pattern(500);
    for_each_shape(|side, version, shape| {
        let (ours, theirs) = shape.open();
        let controls = [ours.control(), theirs.control()];
        let watch = [&controls[0], &controls[1]];
        let mut executor = Executor::new();
        let subject = executor.spawn("rustls-ffi", async {
            let handshake = side.connection(version).handshake(ours);
            let mut stream = Watched::new(handshake, &watch).await.expect("a handshake");
            send(&mut stream, &data).await;
            let received = receive(&mut stream, data.len()).await;
            stream.shutdown().await.expect("a shutdown");
            let rest = stream.read(&mut [0]).await.expect("a clean end");
            (received, rest)
        });
        let peer = executor.spawn("rustls", async {
            let mut stream = side.peer(version, theirs).await.expect("a handshake");
            let received = receive(&mut stream, data.len()).await;
            send(&mut stream, &data).await;
            let rest = stream.read(&mut [0]).await.expect("a clean end");
            stream.shutdown().await.expect("a shutdown");
            (received, rest)
        });
        executor.run();
        for handle in [subject, peer] {
            let (received, rest) = handle.take();
            assert!(received == data && rest == 0);
        }
    });
}

#[test]
fn rustls_ffi_speaks_with_itself() {
    for version in Version::ALL {
        let (ours, theirs) = pipe(3);
        let (client, server) = executor::join(
            Side::Client.connection(version).handshake(ours),
            Side::Server.connection(version).handshake(theirs),
        );
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        let (_, received) =
            executor::join(send(&mut client, b"from C to C"), receive(&mut server, 11));
        assert_eq!(received, b"from C to C");
    }
}

#[test]
fn the_slices_of_a_write_share_a_record() {
    for_each_talk(|mut talk| {
        let before = talk.subject_io.written().len();
        let slices = [
            IoSlice::new(b"one, "),
            IoSlice::new(&[]),
            IoSlice::new(b"two"),
        ];
        executor::join(
            async {
                assert_eq!(talk.subject.write_vectored(&slices).await.unwrap(), 8);
            },
            async { assert_eq!(receive(&mut talk.peer, 8).await, b"one, two") },
        );
        let record = &talk.subject_io.written()[before..];
        let length = u16::from_be_bytes([record[3], record[4]]);
        assert_eq!(record.len(), 5 + usize::from(length));
    });
}

#[test]
fn ciphertext_leaves_through_the_vectored_callback() {
    for_each_talk(|mut talk| {
        let before = talk.subject_io.counts();
        let data = pattern(300_000);
        executor::join(send(&mut talk.subject, &data), async {
            assert!(receive(&mut talk.peer, data.len()).await == data);
        });
        let after = talk.subject_io.counts();
        assert!(after.vectored.calls > before.vectored.calls);
        assert_eq!(after.write.calls, before.write.calls);
    });
}

#[test]
fn a_key_update_is_answered_by_a_task_that_only_reads() {
    for side in Side::BOTH {
        let mut talk = side.talk(Version::Tls13, pipe(WIDE));
        match &mut talk.peer {
            TlsStream::Client(stream) => stream.get_mut().1.refresh_traffic_keys(),
            TlsStream::Server(stream) => stream.get_mut().1.refresh_traffic_keys(),
        }
        .unwrap();
        assert_eq!(talk.peer_io.unread(), 0);
        executor::join(send(&mut talk.peer, b"new keys"), async {
            assert_eq!(receive(&mut talk.subject, 8).await, b"new keys");
        });
        assert!(talk.peer_io.unread() > 0, "nothing was answered");
    }
}

#[test]
fn errors_of_the_transport_come_out_as_they_are() {
    for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::Other] {
        for operation in [Operation::Read, Operation::Write] {
            for_each_side(|side, version| {
                let (ours, _theirs) = pipe(WIDE);
                ours.control().always(operation, Answer::Error(kind));
                // Only a client has something to write before it reads.
                if matches!((side, operation), (Side::Server, Operation::Write)) {
                    return;
                }
                let error =
                    executor::block_on(side.connection(version).handshake(ours)).unwrap_err();
                assert_eq!((error.kind(), &*error.to_string()), (kind, "injected"));
            });
        }
    }
}

#[test]
fn a_transport_that_answers_too_much_or_nothing_is_told_apart() {
    for (answer, expected) in [
        (Answer::TooMuch, ErrorKind::OverReported),
        (Answer::Nothing, ErrorKind::Refused),
        (
            Answer::Error(io::ErrorKind::WouldBlock),
            ErrorKind::Unregistered,
        ),
    ] {
        for_each_talk(|mut talk| {
            talk.subject_io.always(Operation::Write, answer);
            let answer = executor::block_on(async {
                talk.subject.write_all(b"into the void").await?;
                talk.subject.flush().await
            });
            assert_eq!(kind(answer), Some(expected));
        });
    }
}

#[test]
fn a_client_that_refuses_the_server_says_why_on_both_sides() {
    for version in Version::ALL {
        let stranger = Authority::new();
        for (config, name, expected, alert) in [
            (
                ClientConfig::new(version),
                c"elsewhere.example",
                (ErrorKind::WrongName, rustls_result::CertNotValidForName),
                rustls::AlertDescription::BadCertificate,
            ),
            (
                ClientConfig::trusting(version, &stranger),
                c"localhost",
                (ErrorKind::UnknownIssuer, rustls_result::CertUnknownIssuer),
                rustls::AlertDescription::UnknownCA,
            ),
        ] {
            let (ours, theirs) = pipe(2);
            let (client, server) = executor::join(
                config.connection(name).handshake(ours),
                acceptor(version).accept(theirs),
            );
            let error = Error::find(&client.unwrap_err()).expect("an error of TLS");
            let source = std::error::Error::source(&error).expect("a source");
            let refused: &Refused = source.downcast_ref().expect("a result of rustls-ffi");
            assert_eq!((error.kind(), refused.result()), expected);
            assert_eq!(kind(server), Some(ErrorKind::Alert(alert)));
        }
    }
}

#[test]
fn a_server_learns_the_alert_of_its_client() {
    for version in Version::ALL {
        let (ours, theirs) = pipe(2);
        let stranger = Setup::new(version).client_trusting(&Authority::new());
        let connector = pollback::TlsConnector::from(std::sync::Arc::new(stranger));
        let (server, client) = executor::join(
            Side::Server.connection(version).handshake(ours),
            connector.connect(crate::support::localhost(), theirs),
        );
        assert_eq!(kind(client), Some(ErrorKind::UnknownIssuer));
        let alert = ErrorKind::Alert(rustls::AlertDescription::UnknownCA);
        assert_eq!(kind(server), Some(alert));
    }
}

#[test]
fn a_refusal_is_repeated_by_every_later_call() {
    for_each_talk(|mut talk| {
        talk.subject_io.inject(&[23, 3, 3, 0, 20]);
        talk.subject_io.inject(&[0; 20]);
        for _ in 0..2 {
            let read = executor::block_on(talk.subject.read(&mut [0]));
            assert_eq!(kind(read), Some(ErrorKind::Misbehaved));
            let write = executor::block_on(talk.subject.write(b"x"));
            assert_eq!(kind(write), Some(ErrorKind::Misbehaved));
        }
        let alert = ErrorKind::Alert(rustls::AlertDescription::BadRecordMac);
        assert_eq!(
            kind(executor::block_on(talk.peer.read(&mut [0]))),
            Some(alert)
        );
    });
}

#[test]
fn what_came_before_a_failure_is_read_first() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"still valid"));
        talk.subject_io.inject(&[23, 3, 3, 0, 20]);
        talk.subject_io.inject(&[0; 20]);
        let received = executor::block_on(receive(&mut talk.subject, 11));
        assert_eq!(received, b"still valid");
        let read = executor::block_on(talk.subject.read(&mut [0]));
        assert_eq!(kind(read), Some(ErrorKind::Misbehaved));
    });
}

#[test]
fn an_alert_of_the_peer_is_told_at_once() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        let mut executor = Executor::new();
        executor.spawn("writer", talk.subject.write_all(&[0; 100_000]));
        assert!(!executor.run_until_stalled());
        drop(executor);

        talk.peer_io.inject(&[23, 3, 3, 0, 20]);
        talk.peer_io.inject(&[0; 20]);
        let read = executor::block_on(talk.peer.read(&mut [0]));
        assert_eq!(kind(read), Some(ErrorKind::Misbehaved));
        let alert = ErrorKind::Alert(rustls::AlertDescription::BadRecordMac);
        let read = executor::block_on(talk.subject.read(&mut [0]));
        assert_eq!(kind(read), Some(alert));
    });
}

#[test]
fn a_stream_can_be_moved_between_threads() {
    fn is_send_and_sync<T: Send + Sync + Unpin>(value: T) -> T {
        value
    }
    for_each_talk(|talk| {
        let (mut subject, mut peer) = (is_send_and_sync(talk.subject), talk.peer);
        for _ in 0..3 {
            (subject, peer) = thread::spawn(move || {
                executor::join(send(&mut subject, b"there"), receive(&mut peer, 5));
                executor::join(send(&mut peer, b"back"), receive(&mut subject, 4));
                (subject, peer)
            })
            .join()
            .expect("no panic");
        }
    });
}

#[test]
fn taken_apart_a_stream_leaves_nothing_out() {
    for_each_talk(|mut talk| {
        let data = pattern(100_000);
        executor::join(send(&mut talk.peer, &data), async {
            assert!(receive(&mut talk.subject, 1).await == data[..1]);
        });
        let unread = talk.subject_io.unread();
        let mut parts = talk.subject.into_parts();
        let rest = executor::block_on(receive(&mut parts.io, unread));
        let mut wire = Read::chain(&parts.ciphertext[..], &rest[..]);

        let (connection, plaintext) = parts.connection.into_parts();
        // SAFETY: it was given away to us. Which side it is plays no part here.
        let mut connection = unsafe { FfiConnection::client(connection) };
        let mut received = [&data[..1], &plaintext].concat();
        loop {
            received.extend(pair::receive(&mut connection, data.len()));
            if pair::read_tls(&mut connection, &mut wire).unwrap() == 0 {
                break;
            }
            assert_eq!(pair::process(&mut connection), rustls_result::Ok);
        }
        assert!(received == data);
    });
}
