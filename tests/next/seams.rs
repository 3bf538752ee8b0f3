//! Nothing is lost at a seam: what `tests/promises/p11_seams.rs` proves for rustls 0.23, into whose
//! connections it looks.

use pollback::Options;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::{Setup, TlsStream, client, server};
use crate::support::{
    WIDE, acceptor, connector, handshake, localhost, pattern, receive, receive_all, send,
};

/// What a peer sends: records of all kinds of sizes, then full ones.
const TOTAL: usize = 200_000;

/// Each is the sizes of the records, again and again.
const CUTS: [&[usize]; 5] = [
    &[16_384],
    &[1, 16_384],
    &[9_200],
    &[100],
    &[1, 1, 16_384, 16_384, 16_384, 16_384],
];

fn established(version: Version) -> (client::TlsStream<End>, server::TlsStream<End>, Control) {
    let setup = Setup::new(version);
    let ends = pipe(WIDE);
    let io = ends.0.control();
    let (client, server) = handshake(setup.client(), setup.server(), ends);
    (client, server, io)
}

/// A server that has read so many bytes, in parts, of what a client has sent and sends no more.
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

#[test]
fn a_stream_goes_on_with_a_connection_that_was_taken_out() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            let borders = (0..6).map(|count: usize| count * 16_384);
            let around = borders.flat_map(|border| border.saturating_sub(2)..=border + 2);
            let reads: Vec<usize> = around.chain((0..TOTAL).step_by(47_911)).collect();
            for part in [1 << 16, 1000] {
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

/// The plaintext of the records that were begun, and whole records from there on.
#[test]
fn the_parts_have_every_byte() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            for read in (0..TOTAL).step_by(23_757) {
                let (server, _client, io) = partly_read(version, cuts, &bytes, read, 1 << 16);
                let mut parts = server.into_parts();
                let mut rest = parts.connection.take_plaintext();
                let later = [parts.ciphertext, io.take_unread_by_peer()].concat();
                assert!(parts.connection.take_ciphertext().is_empty());
                // The rest goes through a transport again.
                let (end, peer) = pipe(WIDE);
                end.control().inject(&later);
                let mut server = server::TlsStream::from((end, parts.connection));
                let left = TOTAL - read - rest.len();
                rest.extend(executor::block_on(receive(&mut server, left)));
                drop(peer);
                assert!(rest == bytes[read..], "{read} {cuts:?} {version:?}");
            }
        }
    }
}

/// RFC 8446, section 6.1: what follows is not TLS any more, and belongs to whoever has the transport.
#[test]
fn what_follows_a_close_notify_is_in_the_parts() {
    const CLEAR: &[u8] = b"220 in the clear";
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

/// The record of a close_notify, by a shutdown that the transport does not take.
fn close_notify(client: &mut client::TlsStream<End>) -> Vec<u8> {
    let io = client.get_ref().0.control();
    io.block(pollback_testkit::pipe::Operation::Write);
    assert!(crate::support::poll_once(client.shutdown()).is_pending());
    io.unblock(pollback_testkit::pipe::Operation::Write);
    client.get_mut().1.take_ciphertext()
}

#[test]
fn plaintext_that_waits_goes_along_too() {
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
        // All that a batch holds, whole records and the beginning of one.
        let bytes = pattern(64 * 1024 - 1);
        executor::block_on(client.write_all(&bytes)).expect("a write");
        let (mut io, mut connection) = client.into_inner();
        let ciphertext = connection.take_ciphertext();
        executor::block_on(io.write_all(&ciphertext)).expect("a wide pipe");
        let mut server = TlsStream::from(server);
        assert!(executor::block_on(receive(&mut server, bytes.len())) == bytes);
    }
}

/// And so does one that is made of all its parts.
#[test]
fn a_stream_goes_on_when_it_was_taken_apart() {
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
