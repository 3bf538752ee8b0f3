//! 11. Nothing is lost when a stream is disassembled.

use pollback::Options;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, Operation, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::{Setup, TlsStream, client, server};
use crate::support::{
    WIDE, acceptor, connector, handshake, localhost, pattern, poll_once, receive, receive_all, send,
};
use crate::taken_out::{queued, rest};

/// The data of a peer: records of various sizes, then full ones.
const TOTAL: usize = 200_000;

/// The control of the client's end tells what the server has not read.
fn established(version: Version) -> (client::TlsStream<End>, server::TlsStream<End>, Control) {
    let setup = Setup::new(version);
    let ends = pipe(WIDE);
    let io = ends.0.control();
    let (client, server) = handshake(setup.client(), setup.server(), ends);
    (client, server, io)
}

/// A server that has read this many bytes, in parts, from a client that sends no more.
fn partly_read(
    version: Version,
    cuts: &[usize],
    bytes: &[u8],
    read: usize,
    part: usize,
) -> (server::TlsStream<End>, client::TlsStream<End>, Control) {
    let (mut client, mut server, io) = established(version);
    let mut left = bytes;
    for cut in cuts.iter().cycle() {
        if left.is_empty() {
            break;
        }
        let (now, later) = left.split_at(left.len().min(*cut));
        executor::block_on(send(&mut client, now));
        left = later;
    }
    let mut taken = 0;
    while taken < read {
        let length = part.min(read - taken);
        let received = executor::block_on(receive(&mut server, length));
        assert!(received == bytes[taken..taken + length]);
        taken += length;
    }
    (server, client, io)
}

/// Each entry is a repeated sequence of record sizes.
const CUTS: [&[usize]; 5] = [
    &[16_384],
    &[1, 16_384],
    &[9_200],
    &[100],
    &[1, 1, 16_384, 16_384, 16_384, 16_384],
];

#[test]
fn a_connection_taken_out_of_a_stream_receives_every_byte() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            // Every position around the ends of the first records, and steps between them.
            let borders = (0..6).map(|count: usize| count * 16_384);
            let around = borders.flat_map(|border| border.saturating_sub(2)..=border + 2);
            let reads: Vec<usize> = around.chain((0..TOTAL).step_by(23_457)).collect();
            for part in [1 << 16, 8192, 1000] {
                for &read in &reads {
                    let (server, _client, io) = partly_read(version, cuts, &bytes, read, part);
                    let (_io, connection) = server.into_inner();
                    let later = io.take_unread_by_peer();
                    let rest = rest(connection, &later);
                    assert!(
                        rest == bytes[read..],
                        "{} bytes after {read} of {TOTAL} in parts of {part}, {cuts:?} {version:?}",
                        rest.len(),
                    );
                }
            }
        }
    }
}

#[test]
fn read_sizes_from_one_byte_on_lose_nothing() {
    let bytes = pattern(40_000);
    for part in (1..40).chain([4095, 4096, 16_383, 16_384, 16_385, 1 << 16]) {
        let (server, _client, io) = partly_read(Version::Tls13, &[16_384], &bytes, 20_000, part);
        let (_io, connection) = server.into_inner();
        let rest = rest(connection, &io.take_unread_by_peer());
        assert!(rest == bytes[20_000..], "{part}");
    }
}

#[test]
fn the_parts_contain_every_byte() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            for read in (0..TOTAL).step_by(7919) {
                let (server, _client, io) = partly_read(version, cuts, &bytes, read, 1 << 16);
                let parts = server.into_parts();
                let later = [parts.ciphertext, io.take_unread_by_peer()].concat();
                // More than a connection accepts at once, so alternating with reads.
                let rest = rest(parts.connection, &later);
                assert!(rest == bytes[read..], "{read} {cuts:?} {version:?}");
            }
        }
    }
}

/// RFC 8446, section 6.1: what follows is not TLS any more, and belongs to the owner of the
/// transport.
#[test]
fn bytes_after_a_close_notify_are_in_the_parts() {
    const CLEAR: &[u8] = b"220 in plaintext";
    for version in Version::ALL {
        for together in [true, false] {
            for last in [0, 1, 16_384, 20_000] {
                let (mut client, mut server, io) = established(version);
                let bytes = pattern(last);
                executor::block_on(send(&mut client, &bytes));
                let notify = close_notify(&mut client);
                let (mut clear, _) = client.into_inner();
                executor::block_on(clear.write_all(&notify)).expect("a wide pipe");
                if together {
                    executor::block_on(clear.write_all(CLEAR)).expect("a wide pipe");
                }
                let mut received = Vec::new();
                executor::block_on(server.read_to_end(&mut received)).expect("a clean end");
                assert!(received == bytes);
                if !together {
                    executor::block_on(clear.write_all(CLEAR)).expect("a wide pipe");
                }
                let parts = server.into_parts();
                let rest = [parts.ciphertext, io.take_unread_by_peer()].concat();
                assert_eq!(rest, CLEAR, "{version:?} {together} {last}");
            }
        }
    }
}

/// The record of a close_notify, from a shutdown over a blocked transport.
fn close_notify(client: &mut client::TlsStream<End>) -> Vec<u8> {
    let io = client.get_ref().0.control();
    io.block(Operation::Write);
    assert!(poll_once(client.shutdown()).is_pending());
    io.unblock(Operation::Write);
    queued(client.get_mut().1)
}

#[test]
fn a_stream_continues_with_a_connection_that_was_taken_out() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            let borders = (0..3).map(|count: usize| count * 16_384);
            let around = borders.flat_map(|border| border.saturating_sub(2)..=border + 2);
            let reads: Vec<usize> = around.chain((0..TOTAL).step_by(47_911)).collect();
            for part in [1000] {
                for &read in &reads {
                    let (server, mut client, _) = partly_read(version, cuts, &bytes, read, part);
                    let mut server = server::TlsStream::from(server.into_inner());
                    executor::block_on(client.shutdown()).expect("a shutdown");
                    let rest = executor::block_on(receive_all(&mut server)).expect("a clean end");
                    assert!(
                        rest == bytes[read..],
                        "{read} of {TOTAL}, {part}, {cuts:?} {version:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn pending_plaintext_is_taken_along_too() {
    let options = Options::new().with_batched_writes(true);
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (near, far) = pipe(WIDE);
        let (client, server) = executor::join(
            connector(setup.client())
                .with_options(options)
                .connect(localhost(), near),
            acceptor(setup.server()).accept(far),
        );
        let (mut client, server) = (client.expect("a client"), server.expect("a server"));
        // The contents of a batch: complete records and the beginning of one.
        let bytes = pattern(64 * 1024 - 1);
        executor::block_on(client.write_all(&bytes)).expect("a write");
        let (mut io, mut connection) = client.into_inner();
        let ciphertext = queued(&mut connection);
        executor::block_on(io.write_all(&ciphertext)).expect("a wide pipe");
        let mut server = TlsStream::from(server);
        assert!(executor::block_on(receive(&mut server, bytes.len())) == bytes);
    }
}

/// Only the disassembled stream knew that the transport was not flushed.
#[test]
fn a_reader_flushes_what_was_written_before_the_stream_was_disassembled() {
    for version in Version::ALL {
        let (mut client, mut server, io) = established(version);
        io.buffer(3000);
        executor::block_on(client.write_all(b"question")).expect("room");
        assert!(poll_once(receive(&mut server, 8)).is_pending());
        let mut client = client::TlsStream::from(client.into_inner());
        let (answer, ()) = executor::join(receive(&mut client, 6), async {
            assert_eq!(receive(&mut server, 8).await, b"question");
            send(&mut server, b"answer").await;
        });
        assert_eq!(answer, b"answer");
    }
}

/// The same holds for one that is reassembled from all its parts.
#[test]
fn a_stream_continues_after_it_was_disassembled() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            for read in (0..TOTAL).step_by(23_757) {
                let (server, mut client, _) = partly_read(version, cuts, &bytes, read, 1000);
                let mut server = server::TlsStream::from(server.into_parts());
                executor::block_on(client.shutdown()).expect("a shutdown");
                let rest = executor::block_on(receive_all(&mut server)).expect("a clean end");
                assert!(rest == bytes[read..], "{read} {cuts:?} {version:?}");
            }
        }
    }
}
