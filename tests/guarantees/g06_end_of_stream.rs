//! 6. Without a close_notify there is no clean end; after it reads return 0, and writes continue to work.

use std::io::ErrorKind;

use crate::engine::Setup;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    WIDE, acceptor, client_hello, connector, for_each_talk, for_each_talk_and_shape, localhost,
    pattern, receive, send,
};

#[test]
fn a_truncated_stream_is_an_unexpected_end_every_time() {
    for part_of_a_record in [&[][..], &[23, 3, 3, 0, 64, 1, 2, 3]] {
        for_each_talk(|mut talk| {
            executor::block_on(send(&mut talk.peer, b"incomplete"));
            talk.subject_io.inject(part_of_a_record);
            talk.subject_io.end_of_stream();
            let received = executor::block_on(receive(&mut talk.subject, 10));
            assert_eq!(received, b"incomplete");
            for _ in 0..3 {
                let end = executor::block_on(talk.subject.read(&mut [0; 8]));
                let error = end.expect_err("a truncation");
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            }
        });
    }
}

#[test]
fn a_handshake_truncated_anywhere_is_an_unexpected_end() {
    for version in Version::ALL {
        let hello = client_hello(version);
        for cut in [0, 1, 5, hello.len() / 2, hello.len() - 1, hello.len()] {
            let (end, _peer) = pipe(WIDE);
            end.control().inject(&hello[..cut]);
            end.control().end_of_stream();
            let accept = acceptor(Setup::new(version).server()).accept(end);
            let error = executor::block_on(accept).expect_err("a truncation");
            assert_eq!(
                error.kind(),
                ErrorKind::UnexpectedEof,
                "{version:?} server, {cut} bytes"
            );
        }
        for answer in [&[][..], &[22], &[22, 3, 3, 0, 64, 2]] {
            let (end, _peer) = pipe(WIDE);
            end.control().inject(answer);
            end.control().end_of_stream();
            let connect = connector(Setup::new(version).client()).connect(localhost(), end);
            let error = executor::block_on(connect).expect_err("a truncation");
            assert_eq!(
                error.kind(),
                ErrorKind::UnexpectedEof,
                "{version:?} client, {answer:?}"
            );
        }
    }
}

#[test]
fn after_close_notify_reads_return_0_and_the_other_direction_works() {
    for_each_talk_and_shape(|mut talk| {
        let bytes = pattern(5000);
        let peer = async {
            send(&mut talk.peer, b"the last").await;
            talk.peer.shutdown().await.expect("a shutdown");
            receive(&mut talk.peer, bytes.len()).await
        };
        let subject = async {
            assert_eq!(receive(&mut talk.subject, 8).await, b"the last");
            for _ in 0..3 {
                assert_eq!(
                    talk.subject.read(&mut [0; 8]).await.expect("a clean end"),
                    0
                );
            }
            send(&mut talk.subject, &bytes).await;
            assert_eq!(
                talk.subject.read(&mut [0; 8]).await.expect("a clean end"),
                0
            );
        };
        let (received, ()) = executor::join(peer, subject);
        assert!(received == bytes);
    });
}

#[test]
fn bytes_after_close_notify_are_ignored() {
    for_each_talk(|mut talk| {
        executor::block_on(talk.peer.shutdown()).expect("a shutdown");
        talk.subject_io.inject(b"not even a record");
        for _ in 0..3 {
            let end = executor::block_on(talk.subject.read(&mut [0; 8]));
            assert_eq!(end.expect("a clean end"), 0);
        }
    });
}
