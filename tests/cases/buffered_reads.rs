//! The guarantees for reads, through `AsyncBufRead`.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pollback::TlsStream;
use pollback::rustls::AlertDescription;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, End, Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWriteExt};

use crate::forger::{DATA, plain_record};
use crate::support::{
    Side, Talk, WIDE, assert_alert, for_each_talk, for_each_talk_and_shape, pattern, poll_once,
    receive, records, request_key_update, send, tls_error,
};

/// Guarantees 1 and 2: the peer's bytes arrive over every transport, and every `Pending` has a
/// reason.
#[test]
fn lines_arrive_over_every_transport() {
    for_each_talk_and_shape(
        |Talk {
             mut subject,
             subject_io,
             mut peer,
             peer_io,
         }| {
            let lines: Vec<String> = (0..200)
                .map(|i| format!("line {i} {}", "x".repeat(i)))
                .collect();
            let text = lines.join("\n");
            let (watch_subject, watch_peer) = ([&subject_io], [&peer_io]);
            let read = async {
                let mut read = Vec::new();
                let mut stream = (&mut subject).lines();
                while let Some(line) = stream.next_line().await.expect("a line") {
                    read.push(line);
                }
                read
            };
            let write = async {
                peer.write_all(text.as_bytes()).await.expect("a write");
                peer.shutdown().await.expect("a shutdown");
            };
            let (read, ()) = executor::join(
                Watched::new(read, &watch_subject),
                Watched::new(write, &watch_peer),
            );
            assert!(read == lines);
        },
    );
}

/// Guarantee 3.
#[test]
fn a_reader_flushes_written_data_and_pending_responses() {
    for_each_talk(|mut talk| {
        talk.subject_io.buffer(8 * 1024);
        let taken = poll_once(talk.subject.write(b"request"));
        assert!(matches!(taken, Poll::Ready(Ok(7))));
        assert!(poll_fill(&mut talk.subject).is_pending());
        assert_eq!(executor::block_on(receive(&mut talk.peer, 7)), b"request");
    });
    for under_test in Side::BOTH {
        let mut talk = under_test.talk(Version::Tls13, pipe(WIDE));
        request_key_update(&mut talk.peer);
        executor::block_on(talk.peer.flush()).expect("a flush");
        let before = talk.subject_io.written().len();
        assert!(poll_fill(&mut talk.subject).is_pending());
        assert!(talk.subject_io.written().len() > before, "a response");
    }
}

/// Guarantee 5.
#[test]
fn an_alert_goes_before_the_error() {
    for_each_talk(|mut talk| {
        let before = talk.subject_io.written().len();
        let forged = plain_record(DATA, &[0; 64]);
        talk.subject_io.inject(&forged);
        for _ in 0..3 {
            tls_error(&expect_error(poll_fill(&mut talk.subject)));
        }
        // With TLS 1.3 the alert is encrypted, and looks like data.
        assert_eq!(records(&talk.subject_io.written()[before..]).len(), 1);
        let error = expect_error(poll_fill(&mut talk.peer));
        assert_alert(&error, AlertDescription::BadRecordMac);
    });
}

/// Guarantee 6.
#[test]
fn the_end_of_the_stream_and_a_truncation_are_permanent() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"last"));
        executor::block_on(talk.peer.shutdown()).expect("a shutdown");
        assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"last");
        Pin::new(&mut talk.subject).consume(4);
        for _ in 0..3 {
            assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"");
        }
        executor::block_on(send(&mut talk.subject, b"still heard"));
    });
    for_each_talk(|mut talk| {
        talk.subject_io.end_of_stream();
        for _ in 0..3 {
            let error = expect_error(poll_fill(&mut talk.subject));
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
    });
}

#[test]
fn an_error_of_the_transport_is_passed_on() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"before"));
        let reset = Answer::Error(ErrorKind::ConnectionReset);
        talk.subject_io
            .script(Operation::Read, [Answer::Honest, reset]);
        assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"before");
        Pin::new(&mut talk.subject).consume(6);
        let error = expect_error(poll_fill(&mut talk.subject));
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        executor::block_on(send(&mut talk.peer, b"behind"));
        assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"behind");
    });
}

/// Guarantee 8.
#[test]
fn unconsumed_bytes_are_returned_again() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"abcdef"));
        assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"abcdef");
        assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"abcdef");
        Pin::new(&mut talk.subject).consume(2);
        assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"cdef");
        Pin::new(&mut talk.subject).consume(0);
        let mixed = executor::block_on(receive(&mut talk.subject, 3));
        assert_eq!(mixed, b"cde", "both ways of reading share one position");
        assert_eq!(expect_bytes(poll_fill(&mut talk.subject)), b"f");
    });
}

/// Guarantee 9, as far as it applies to a slice: an available record is returned without waiting.
#[test]
fn an_available_record_is_returned_at_once() {
    for_each_talk(|mut talk| {
        let bytes = pattern(40_000);
        executor::block_on(send(&mut talk.peer, &bytes));
        let mut received = Vec::new();
        while received.len() < bytes.len() {
            let chunk = expect_bytes(poll_fill(&mut talk.subject));
            assert!(!chunk.is_empty());
            Pin::new(&mut talk.subject).consume(chunk.len());
            received.extend(chunk);
        }
        assert!(received == bytes);
        assert!(poll_fill(&mut talk.subject).is_pending());
    });
}

fn poll_fill(stream: &mut TlsStream<End>) -> Poll<io::Result<Vec<u8>>> {
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(stream)
        .poll_fill_buf(&mut cx)
        .map_ok(<[u8]>::to_vec)
}

fn expect_bytes(answer: Poll<io::Result<Vec<u8>>>) -> Vec<u8> {
    match answer {
        Poll::Ready(bytes) => bytes.expect("bytes"),
        Poll::Pending => panic!("nothing was available"),
    }
}

fn expect_error(answer: Poll<io::Result<Vec<u8>>>) -> io::Error {
    match answer {
        Poll::Ready(answer) => answer.expect_err("an error"),
        Poll::Pending => panic!("pending instead of an error"),
    }
}
