//! Connections whose subject has options, and the records that it writes.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::engine::{ProtocolVersion, Setup, TlsStream, client, server};
use pollback::Options;
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{End, Operation, pipe};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::support::{Side, Talk, WIDE, acceptor, connector, localhost, receive, send};

/// Runs a test for each version, the client and then the server with options, over a wide pipe.
pub(crate) fn for_each_talk_with(options: Options, test: impl Fn(Talk)) {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            eprintln!("{version:?}, {under_test:?} under test");
            test(talk(version, under_test, options));
        }
    }
}

fn talk(version: Version, under_test: Side, options: Options) -> Talk {
    let ends = pipe(WIDE);
    let (client_io, server_io) = (ends.0.control(), ends.1.control());
    let (client, server) = connect(version, under_test, options, ends);
    let (client, server) = (TlsStream::from(client), TlsStream::from(server));
    let talk = match under_test {
        Side::Client => Talk {
            subject: client,
            subject_io: client_io,
            peer: server,
            peer_io: server_io,
        },
        Side::Server => Talk {
            subject: server,
            subject_io: server_io,
            peer: client,
            peer_io: client_io,
        },
    };
    talk.settle()
}

fn connect(
    version: Version,
    under_test: Side,
    options: Options,
    (client_end, server_end): (End, End),
) -> (client::TlsStream<End>, server::TlsStream<End>) {
    let setup = Setup::new(version);
    let plain = Options::default();
    let (client, server) = match under_test {
        Side::Client => (options, plain),
        Side::Server => (plain, options),
    };
    let connect = connector(setup.client()).with_options(client);
    let accept = acceptor(setup.server()).with_options(server);
    let (client, server) = executor::join(
        connect.connect(localhost(), client_end),
        accept.accept(server_end),
    );
    (client.expect("a client"), server.expect("a server"))
}

/// Writes parts of this length while they are accepted, and returns how much was accepted.
pub(crate) fn write_to_a_blocked_transport(talk: &mut Talk, bytes: &[u8], length: usize) -> usize {
    talk.subject_io.block(Operation::Write);
    let mut cx = Context::from_waker(Waker::noop());
    let mut taken = 0;
    while taken < bytes.len() {
        let part = &bytes[taken..bytes.len().min(taken + length)];
        match Pin::new(&mut talk.subject).poll_write(&mut cx, part) {
            Poll::Ready(count) => taken += count.expect("a write"),
            Poll::Pending => break,
        }
    }
    talk.subject_io.unblock(Operation::Write);
    taken
}

/// Writes to a batch while a reader of the same stream already waits, so that the writer has to
/// wake it.
pub(crate) fn assert_parked_reader_pushes(talk: Talk, bytes: Vec<u8>) {
    let Talk {
        subject, mut peer, ..
    } = talk;
    let (mut reader, mut writer) = tokio::io::split(subject);
    let mut executor = Executor::new();
    let reads = executor.spawn("reader", async move {
        reader.read_u8().await.expect("the answer")
    });
    executor.run_until_stalled();
    assert!(!reads.is_finished());
    let question = bytes.clone();
    let writes = executor.spawn("writer", async move {
        writer.write_all(&question).await.expect("a write");
        pending::<()>().await;
    });
    let answers = executor.spawn("peer", async move {
        assert!(receive(&mut peer, bytes.len()).await == bytes);
        send(&mut peer, b"!").await;
        pending::<()>().await;
    });
    executor.run_until_stalled();
    assert_eq!(reads.take(), b'!');
    executor.cancel(&writes);
    executor.cancel(&answers);
}

/// How much plaintext each of the records holds that were written after the first `skipped` bytes.
pub(crate) fn records(talk: &Talk, skipped: usize) -> Vec<usize> {
    const HEADER: usize = 5;
    let written = talk.subject_io.written();
    let mut rest = &written[skipped..];
    let mut records = Vec::new();
    while let [_, _, _, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        records.push(length - overhead(talk));
        rest = &rest[HEADER + length..];
    }
    assert!(rest.is_empty(), "a record was truncated");
    records
}

/// The overhead of a record after the header: a tag of 16 bytes, and the type (RFC 8446) or an
/// explicit nonce of 8 bytes (RFC 5288).
fn overhead(talk: &Talk) -> usize {
    if is_tls13(talk) { 16 + 1 } else { 16 + 8 }
}

pub(crate) fn is_tls13(talk: &Talk) -> bool {
    talk.subject.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3)
}
