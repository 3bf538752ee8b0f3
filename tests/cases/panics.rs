//! A transport that panics: the panic reaches the caller, and the stream can still be polled and
//! dropped.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Control, End, Injected, Operation, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    WIDE, acceptor, connector, handshake, localhost, pattern, poll_once, receive, receive_all, send,
};
use pollback::{client, server};

const OPERATIONS: [Operation; 4] = [
    Operation::Read,
    Operation::Write,
    Operation::Flush,
    Operation::Shutdown,
];

#[test]
fn an_established_stream_continues_after_the_panic() {
    for version in Version::ALL {
        for operation in OPERATIONS {
            eprintln!("{version:?}, {operation:?}");
            let (mut client, mut server, io) = connected(version);
            executor::block_on(send(&mut server, b"to be read"));

            io.script(operation, [Answer::Panic]);
            panics(match operation {
                Operation::Read => Box::pin(async { client.read_u8().await.map(drop) }),
                Operation::Write => Box::pin(async { client.write(b"lost?").await.map(drop) }),
                Operation::Flush => Box::pin(async { client.flush().await }),
                Operation::Shutdown => Box::pin(async { client.shutdown().await }),
            });

            // The transport has neither moved nor lost a byte, so neither has the stream.
            let sent: &[u8] = match operation {
                Operation::Write => b"lost?",
                _ => b"",
            };
            if operation == Operation::Shutdown {
                executor::block_on(client.shutdown()).expect("a shutdown");
                let rest = executor::block_on(receive_all(&mut server));
                assert_eq!(rest.expect("a clean end"), b"");
            } else {
                executor::block_on(send(&mut client, b"!"));
                // The write was not reported, so it may have been accepted or not, but never in
                // part.
                let received = executor::block_on(receive(&mut server, 1));
                if received != b"!" {
                    assert_eq!(received[0], sent[0]);
                    let rest = executor::block_on(receive(&mut server, sent.len()));
                    assert_eq!(rest, [&sent[1..], b"!"].concat());
                }
            }
            assert_eq!(executor::block_on(receive(&mut client, 10)), b"to be read");
            drop(client);
        }
    }
}

#[test]
fn a_writer_can_be_dropped_in_the_middle_of_a_large_write() {
    for version in Version::ALL {
        for operation in OPERATIONS {
            let (mut client, mut server, io) = connected(version);
            io.block(Operation::Write);
            let bytes = pattern(300_000);
            assert!(poll_once(client.write_all(&bytes)).is_pending());
            io.unblock(Operation::Write);
            io.script(operation, [Answer::Panic]);
            panics(Box::pin(async { client.close().await }));
            drop(client);
            let received = executor::block_on(receive_all(&mut server));
            if operation == Operation::Write {
                let error = received.expect_err("a truncation");
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            } else {
                // These operations follow after everything was written.
                assert!(bytes.starts_with(&received.expect("a clean end")));
            }
        }
    }
}

#[test]
fn a_handshake_can_be_dropped() {
    for version in Version::ALL {
        for operation in [Operation::Read, Operation::Write, Operation::Flush] {
            let setup = Setup::new(version);
            let (client_end, server_end) = pipe(WIDE);
            client_end.control().script(operation, [Answer::Panic]);
            let mut connect = connector(setup.client()).connect(localhost(), client_end);
            let poll = catch_unwind(AssertUnwindSafe(|| poll_once(&mut connect)));
            assert!(poll.is_err(), "the panic reaches the caller");
            // It can even continue.
            let accept = acceptor(setup.server()).accept(server_end);
            let (connected, accepted) = executor::join(connect, accept);
            connected.expect("a handshake");
            accepted.expect("a handshake");
        }
    }
}

type Fallible<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + 'a>>;

/// Checks that polling panics as the transport does.
fn panics(mut future: Fallible<'_>) {
    let poll = catch_unwind(AssertUnwindSafe(|| poll_once(&mut future)));
    let Err(panic) = poll else {
        panic!("{poll:?} instead of a panic");
    };
    assert!(panic.is::<Injected>());
    // Dropped after the panic, as in an unwinding task.
    drop(future);
}

fn connected(version: Version) -> (client::TlsStream<End>, server::TlsStream<End>, Control) {
    let setup = Setup::new(version);
    let ends = pipe(WIDE);
    let io = ends.0.control();
    let (client, server) = handshake(setup.client(), setup.server(), ends);
    (client, server, io)
}
