//! The end and the limits of a stream over rustls-ffi.

use pollback::ErrorKind;
use pollback::ffi::rustls_ffi::connection::rustls_connection;
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::pair;
use crate::support::{Side, WIDE, for_each_side, for_each_talk, kind, pattern, receive, send};

#[test]
fn an_end_before_or_in_the_handshake_is_a_truncation() {
    for_each_side(|side, version| {
        let said = first_words_of_peer(side, version);
        for length in [0, 1, 5, 40, said.len() - 1] {
            let (ours, _theirs) = pipe(WIDE);
            ours.control().inject(&said[..length]);
            ours.control().end_of_stream();
            let answer = executor::block_on(side.connection(version).handshake(ours));
            assert_eq!(
                kind(answer),
                Some(ErrorKind::Truncated),
                "after {length} bytes"
            );
        }
    });
}

/// The first record that the peer of a handshake sends.
fn first_words_of_peer(side: Side, version: Version) -> Vec<u8> {
    let (ours, theirs) = pipe(WIDE);
    let control = theirs.control();
    let (subject, peer) = executor::join(
        side.connection(version).handshake(ours),
        side.peer(version, theirs),
    );
    subject.expect("a handshake of rustls-ffi");
    peer.expect("a handshake of rustls");
    let mut said = control.written();
    said.truncate(5 + usize::from(u16::from_be_bytes([said[3], said[4]])));
    said
}

#[test]
fn an_end_without_close_notify_is_a_truncation_every_time() {
    for_each_talk(|mut talk| {
        executor::join(send(&mut talk.peer, b"the last words"), async {
            assert_eq!(receive(&mut talk.subject, 8).await, b"the last");
        });
        talk.subject_io.end_of_stream();
        executor::block_on(async {
            assert_eq!(receive(&mut talk.subject, 6).await, b" words");
            for _ in 0..3 {
                let answer = talk.subject.read(&mut [0; 8]).await;
                assert_eq!(kind(answer), Some(ErrorKind::Truncated));
            }
        });
    });
}

#[test]
fn after_close_notify_the_transport_is_not_read_and_can_be_written() {
    for_each_talk(|mut talk| {
        executor::block_on(talk.peer.shutdown()).unwrap();
        executor::block_on(async {
            assert_eq!(talk.subject.read(&mut [0; 8]).await.unwrap(), 0);
        });
        let reads = talk.subject_io.counts().read.calls;
        executor::block_on(async {
            assert_eq!(talk.subject.read(&mut [0; 8]).await.unwrap(), 0);
        });
        assert_eq!(talk.subject_io.counts().read.calls, reads);
        executor::join(send(&mut talk.subject, b"half open"), async {
            assert_eq!(receive(&mut talk.peer, 9).await, b"half open");
        });
    });
}

#[test]
fn a_write_after_close_is_an_error() {
    for_each_talk(|mut talk| {
        executor::block_on(talk.subject.shutdown()).unwrap();
        let answer = executor::block_on(talk.subject.write(b"too late"));
        assert_eq!(kind(answer), Some(ErrorKind::Closed));
        executor::block_on(async {
            assert_eq!(talk.peer.read(&mut [0]).await.unwrap(), 0);
            send(&mut talk.peer, b"still heard").await;
            assert_eq!(receive(&mut talk.subject, 11).await, b"still heard");
        });
    });
}

#[test]
fn a_reader_with_small_buffers_receives_all_plaintext() {
    for_each_talk(|mut talk| {
        let data = pattern(200_000);
        executor::block_on(send(&mut talk.peer, &data));
        executor::block_on(async {
            let mut received = Vec::new();
            for size in [1, 7, 20_000, 16_384, 1].into_iter().cycle() {
                let mut room = vec![0; size.min(data.len() - received.len())];
                if room.is_empty() {
                    break;
                }
                let count = talk.subject.read(&mut room).await.unwrap();
                received.extend_from_slice(&room[..count]);
            }
            assert!(received == data);
        });
    });
}

#[test]
fn buffer_limits_bound_a_write_and_never_hang_it() {
    for limit in [Some(0), Some(100), None] {
        for_each_talk(|mut talk| {
            if let Some(limit) = limit {
                let connection = talk.subject.get_mut().1.as_mut_ptr();
                rustls_connection::rustls_connection_set_buffer_limit(connection, limit);
            }
            let data = pattern(1000);
            let mut executor = Executor::new();
            let writer = executor.spawn("writer", async {
                talk.subject.write_all(&data).await?;
                talk.subject.flush().await
            });
            assert!(executor.run_until_stalled());
            drop(executor);
            match limit {
                // There can never be room, so waiting would never end.
                Some(0) => assert_eq!(kind(writer.take()), Some(ErrorKind::WriteZero)),
                _ => {
                    writer.take().unwrap();
                    let received = executor::block_on(receive(&mut talk.peer, data.len()));
                    assert!(received == data);
                }
            }
        });
    }
}

#[test]
fn buffer_limits_do_not_block_a_handshake() {
    for limit in [0, 100] {
        for_each_side(|side, version| {
            let (ours, theirs) = pipe(WIDE);
            let mut connection = side.connection(version);
            rustls_connection::rustls_connection_set_buffer_limit(connection.as_mut_ptr(), limit);
            let (subject, peer) =
                executor::join(connection.handshake(ours), side.peer(version, theirs));
            let (subject, mut peer) = (subject.unwrap(), peer.unwrap());
            assert!(!pair::is_handshaking(subject.get_ref().1));
            let mut subject = subject;
            executor::join(send(&mut peer, b"through"), async {
                assert_eq!(receive(&mut subject, 7).await, b"through");
            });
        });
    }
}
