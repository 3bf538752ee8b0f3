//! A connection of rustls-ffi as a TLS stream.

use std::io::{self, IoSlice, Read};
use std::thread;

use pollback::ffi::FfiConnection;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::{ErrorKind, TlsStream};
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::pair;
use crate::support::{
    Side, WIDE, for_each_shape, for_each_side, for_each_talk, kind, pattern, receive, send,
};

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
fn rustls_ffi_communicates_with_itself() {
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
fn ciphertext_is_sent_through_the_vectored_callback() {
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
        assert!(talk.peer_io.unread() > 0, "there was no response");
    }
}

#[test]
fn errors_of_the_transport_are_returned_unchanged() {
    for kind in [io::ErrorKind::TimedOut, io::ErrorKind::Other] {
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
fn a_transport_that_reports_too_much_or_nothing_is_distinguished() {
    for (answer, expected) in [
        (Answer::TooMuch, ErrorKind::OverReported),
        (Answer::Nothing, ErrorKind::WriteZero),
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
fn a_disassembled_stream_returns_everything() {
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
        // SAFETY: it was passed to us. Its side does not matter here.
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
