//! 2. `Ok(n)` from a write: exactly those n bytes reach the wire in order, or a later call fails. A
//!    write of up to 64 KiB is passed to the transport in one attempt.

use std::io::{self, ErrorKind};
use std::task::Poll;

use crate::engine::{self, ProtocolVersion, Setup, TlsStream};
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, End, Operation, pipe};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::support::{
    Side, Talk, WIDE, acceptor, client_hello, connector, error_kind, for_each_shape, for_each_talk,
    for_each_talk_and_shape, localhost, pattern, poll_once, poll_read, read_what_is_there, receive,
    records, request_key_update, send, write_vectored,
};

#[test]
fn bytes_arrive_in_order_over_every_transport() {
    for_each_talk_and_shape(|mut talk| {
        let bytes = pattern(20_000);
        let send = async {
            for chunk in bytes.chunks(777) {
                talk.subject
                    .write_all(chunk)
                    .await
                    .expect("a successful write");
            }
            talk.subject.flush().await.expect("a successful flush");
        };
        let ((), received) = executor::join(send, receive(&mut talk.peer, bytes.len()));
        assert_eq!(received, bytes);
    });
}

#[test]
fn slices_arrive_in_order_over_every_transport() {
    for_each_talk_and_shape(|mut talk| {
        let bytes = pattern(5000);
        let slices = [&bytes[..1], &bytes[1..1], &bytes[1..2000], &bytes[2000..]];
        let send = async {
            let taken = write_vectored(&mut talk.subject, &slices)
                .await
                .expect("a write");
            assert!(taken > 1, "one call accepts more than the first slice");
            send(&mut talk.subject, &bytes[taken..]).await;
        };
        let ((), received) = executor::join(send, receive(&mut talk.peer, bytes.len()));
        assert_eq!(received, bytes);
    });
}

#[test]
fn a_transport_that_accepts_nothing_is_an_error() {
    for operation in [Operation::Write, Operation::Flush, Operation::Shutdown] {
        for_each_talk(|mut talk| {
            talk.subject_io.always(Operation::Write, Answer::Nothing);
            let refused = executor::block_on(async {
                match operation {
                    Operation::Write => talk.subject.write_all(&pattern(1 << 20)).await,
                    Operation::Flush => write_and_flush(&mut talk.subject).await,
                    _ => talk.subject.shutdown().await,
                }
            });
            assert_eq!(refused.expect_err("refused").kind(), ErrorKind::WriteZero);
        });
    }
}

#[test]
fn a_transport_that_accepts_no_handshake_is_an_error() {
    for version in Version::ALL {
        let setup = Setup::new(version);

        let (end, _peer) = pipe(WIDE);
        end.control().always(Operation::Write, Answer::Nothing);
        let connect = connector(setup.client()).connect(localhost(), end);
        let refused = executor::block_on(connect).expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::WriteZero);

        let (end, _peer) = pipe(WIDE);
        end.control().always(Operation::Write, Answer::Nothing);
        end.control().inject(&client_hello(version));
        let refused = executor::block_on(acceptor(setup.server()).accept(end));
        assert_eq!(refused.expect_err("refused").kind(), ErrorKind::WriteZero);
    }
}

#[test]
fn an_interrupted_attempt_is_repeated_by_the_stream() {
    for_each_talk(|mut talk| {
        let interrupted = Answer::Error(ErrorKind::Interrupted);
        for operation in [Operation::Read, Operation::Write, Operation::Flush] {
            talk.subject_io.script(operation, [interrupted; 2]);
        }
        // Single calls: the loops of tokio's `write_all` and `read_exact` might repeat the attempt
        // themselves.
        let taken = executor::block_on(talk.subject.write(b"request")).expect("a write");
        assert_eq!(taken, 7);
        executor::block_on(talk.subject.flush()).expect("a flush");
        assert_eq!(executor::block_on(receive(&mut talk.peer, 7)), b"request");
        executor::block_on(send(&mut talk.peer, b"response"));
        let taken = executor::block_on(talk.subject.read(&mut [0; 64])).expect("a read");
        assert_eq!(taken, 8);
    });
}

#[test]
fn a_transport_that_reports_too_much_is_an_error() {
    for_each_talk(|mut talk| {
        talk.subject_io.script(Operation::Write, [Answer::TooMuch]);
        let over_reported = Some(pollback::ErrorKind::OverReported);
        let error =
            executor::block_on(write_and_flush(&mut talk.subject)).expect_err("a false count");
        assert_eq!(error_kind(&error), over_reported);
        // The position of the peer is now unknown.
        let written = talk.subject_io.written();
        let error = executor::block_on(write_and_flush(&mut talk.subject)).expect_err("too late");
        assert_eq!(error_kind(&error), over_reported);
        assert_eq!(talk.subject_io.written(), written);
    });
}

#[test]
fn accepted_data_that_cannot_be_sent_fails_the_next_call() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        let taken = executor::block_on(talk.subject.write(b"request")).expect("room for it");
        assert_eq!(taken, 7);
        talk.subject_io
            .always(Operation::Write, Answer::Error(ErrorKind::HostUnreachable));
        talk.subject_io.unblock(Operation::Write);
        // A reader that waited for the response to it would wait forever.
        for call in ["read", "write"] {
            let error = match call {
                "read" => executor::block_on(talk.subject.read_u8()).map(drop),
                _ => executor::block_on(talk.subject.write(b"more")).map(drop),
            };
            let error = error.expect_err(call);
            assert_eq!(error.kind(), ErrorKind::HostUnreachable);
            assert_eq!(error.to_string(), "injected");
        }
    });
}

#[test]
fn reads_continue_although_the_transport_accepts_nothing() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.subject, b"everything"));
        let failure = Answer::Error(ErrorKind::HostUnreachable);
        talk.subject_io.always(Operation::Write, failure);
        if talk.subject.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            request_key_update(&mut talk.peer);
        }
        executor::block_on(send(&mut talk.peer, b"one"));
        assert_eq!(executor::block_on(receive(&mut talk.subject, 3)), b"one");
        assert!(poll_read(&mut talk.subject, 3).is_pending());
        executor::block_on(send(&mut talk.peer, b"two"));
        assert_eq!(executor::block_on(receive(&mut talk.subject, 3)), b"two");
        let error = executor::block_on(write_and_flush(&mut talk.subject)).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
    });
}

#[test]
fn a_write_after_shutdown_is_an_error() {
    for_each_talk(|mut talk| {
        // The transport stays open: the stream itself has to return the error.
        talk.subject_io.always(Operation::Shutdown, Answer::Nothing);
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        let written = talk.subject_io.written();
        for _ in 0..2 {
            let late = executor::block_on(talk.subject.write(b"late"));
            assert_eq!(late.expect_err("refused").kind(), ErrorKind::BrokenPipe);
            let late = executor::block_on(write_vectored(&mut talk.subject, &[b"la", b"te"]));
            assert_eq!(late.expect_err("refused").kind(), ErrorKind::BrokenPipe);
        }
        executor::block_on(talk.subject.flush()).expect("nothing to flush");
        assert_eq!(talk.subject_io.written(), written);
    });
}

/// The number of transport writes of an operation, and the records that it makes.
fn cost(talk: &mut Talk, operation: impl AsyncFnOnce(&mut TlsStream<End>)) -> (usize, usize) {
    let (calls, before) = (
        talk.subject_io.counts().writes(),
        talk.subject_io.written().len(),
    );
    executor::block_on(operation(&mut talk.subject));
    let records = records(&talk.subject_io.written()[before..]).len();
    (talk.subject_io.counts().writes() - calls, records)
}

/// The most plaintext that a record holds.
fn full_record(talk: &Talk) -> usize {
    let version = talk.subject.get_ref().1.protocol_version();
    engine::full_record(version.expect("an established connection"))
}

#[test]
fn one_call_is_one_attempt_in_full_records() {
    for scalar in [false, true] {
        for size in [1, 16_384, 16_385, 16_393, 20_000, 50_000, 60_000, 65_536] {
            for_each_talk(|mut talk| {
                if scalar {
                    talk.subject_io.scalar();
                }
                let bytes = pattern(size);
                let cost = cost(&mut talk, async |subject| {
                    assert_eq!(subject.write(&bytes).await.expect("a write"), size);
                });
                assert_eq!(cost, (1, size.div_ceil(full_record(&talk))), "{size}");
                assert!(read_what_is_there(&mut talk.peer) == bytes);
            });
        }
    }
}

#[test]
fn any_number_of_slices_is_one_attempt_in_full_records() {
    for scalar in [false, true] {
        for_each_talk(|mut talk| {
            if scalar {
                talk.subject_io.scalar();
            }
            let bytes = pattern(100_000);
            let slices: Vec<&[u8]> = bytes.chunks(100).collect();
            let cost = cost(&mut talk, async |subject| {
                let mut taken = 0;
                while taken < bytes.len() {
                    let rest = &slices[taken / 100..];
                    let first = &rest[0][taken % 100..];
                    let rest: Vec<&[u8]> = [&[first], &rest[1..]].concat();
                    taken += write_vectored(subject, &rest).await.expect("a write");
                }
            });
            let full = full_record(&talk);
            let records = 65_536_usize.div_ceil(full) + 34_464_usize.div_ceil(full);
            assert_eq!(cost, (2, records));
            assert!(read_what_is_there(&mut talk.peer) == bytes);
        });
    }
}

#[test]
fn without_a_flush_nothing_stays_buffered_that_the_transport_could_accept() {
    for size in [1, 100, 5000, 16 * 1024, 1 << 20] {
        for_each_talk(|mut talk| {
            let bytes = pattern(size * (40_000 / size).max(1));
            executor::block_on(async {
                for chunk in bytes.chunks(size) {
                    talk.subject
                        .write_all(chunk)
                        .await
                        .expect("room for everything");
                }
            });
            assert!(read_what_is_there(&mut talk.peer) == bytes);
        });
    }
}

/// Data that was not accepted is also sent in one attempt, together with later data.
#[test]
fn data_buffered_for_a_blocked_transport_is_sent_together() {
    for_each_talk(|mut talk| {
        let bytes = pattern(60_000);
        talk.subject_io.block(Operation::Write);
        for chunk in bytes.chunks(10_000) {
            executor::block_on(talk.subject.write_all(chunk)).expect("room for it");
        }
        talk.subject_io.unblock(Operation::Write);
        let (calls, _) = cost(&mut talk, async |subject| {
            subject.flush().await.expect("a flush");
        });
        assert_eq!(calls, 1);
        assert!(read_what_is_there(&mut talk.peer) == bytes);
    });
}

#[test]
fn a_cancelled_write_leaves_nothing_behind() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        let mut expected = fill(&mut talk.subject);
        assert!(poll_once(talk.subject.write(&[b'o'; 1000])).is_pending());
        talk.subject_io.unblock(Operation::Write);
        let send = send(&mut talk.subject, &[b'n'; 1000]);
        expected.extend([b'n'; 1000]);
        let ((), received) = executor::join(send, receive(&mut talk.peer, expected.len()));
        assert!(
            received == expected,
            "the bytes of the cancelled write were sent"
        );
        assert!(
            poll_read(&mut talk.peer, 1).is_pending(),
            "and nothing else"
        );
    });
}

#[test]
fn a_blocked_transport_bounds_what_a_writer_can_buffer() {
    for_each_shape(|version, shape| {
        let mut talk = Side::Client.talk(version, shape.open());
        talk.subject_io.block(Operation::Write);
        let accepted = fill(&mut talk.subject).len();
        assert!(
            accepted <= 64 * 1024,
            "{accepted} bytes accepted by a blocked stream"
        );
    });
}

/// Writes until the stream accepts no more, and returns what it has accepted.
fn fill<S: AsyncWrite + Unpin>(stream: &mut S) -> Vec<u8> {
    let chunk = [b'x'; 1000];
    let mut accepted = Vec::new();
    while let Poll::Ready(taken) = poll_once(stream.write(&chunk)) {
        accepted.extend(&chunk[..taken.expect("a successful write")]);
        assert!(accepted.len() < WIDE, "a blocked stream accepts everything");
    }
    accepted
}

async fn write_and_flush<S: AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    stream.write_all(b"request").await?;
    stream.flush().await
}
