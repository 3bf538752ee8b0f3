//! 1. `Pending` only when the transport was pending in this poll, or the task has been woken.

use std::io;

use crate::engine::Setup;
use pollback::ErrorKind;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Operation};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    acceptor, connector, error_kind, for_each_shape, for_each_talk, localhost, pattern, receive,
    receive_all, send,
};

#[test]
fn every_pending_has_a_reason() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version);
        let (connector, acceptor) = (connector(setup.client()), acceptor(setup.server()));
        let (client_end, server_end) = shape.open();
        let (client_io, server_io) = (client_end.control(), server_end.control());
        let bytes = pattern(3000);
        let client = async {
            let mut stream = connector
                .connect(localhost(), client_end)
                .await
                .expect("a handshake");
            send(&mut stream, &bytes).await;
            assert_eq!(receive(&mut stream, bytes.len()).await, bytes);
            stream.shutdown().await.expect("a shutdown");
            receive_all(&mut stream).await.expect("a clean end")
        };
        let server = async {
            let mut stream = acceptor.accept(server_end).await.expect("a handshake");
            assert_eq!(receive(&mut stream, bytes.len()).await, bytes);
            send(&mut stream, &bytes).await;
            let rest = receive_all(&mut stream).await.expect("a clean end");
            stream.shutdown().await.expect("a shutdown");
            rest
        };
        let (client_rest, server_rest) = executor::join(
            Watched::new(client, &[&client_io]),
            Watched::new(server, &[&server_io]),
        );
        assert!(client_rest.is_empty() && server_rest.is_empty());
    });
}

#[test]
fn a_waiting_stream_is_not_polled() {
    for_each_talk(|mut talk| {
        let mut executor = Executor::new();
        let reader = executor.spawn("reader", receive(&mut talk.subject, 4));
        assert!(!executor.run_until_stalled());
        assert_eq!(executor.polls(&reader), 1);
        executor::block_on(send(&mut talk.peer, b"some"));
        executor.run();
        assert_eq!(executor.polls(&reader), 2);
    });
}

#[test]
fn a_transport_that_registers_no_waker_is_an_error() {
    for_each_talk(|mut talk| {
        let would_block = Answer::Error(io::ErrorKind::WouldBlock);
        talk.subject_io.script(Operation::Read, [would_block]);
        let error =
            executor::block_on(talk.subject.read_u8()).expect_err("nothing would wake the task");
        assert_eq!(error_kind(&error), Some(ErrorKind::Unregistered));
        talk.subject_io.script(Operation::Flush, [would_block]);
        let error =
            executor::block_on(talk.subject.flush()).expect_err("nothing would wake the task");
        assert_eq!(error_kind(&error), Some(ErrorKind::Unregistered));
    });
}

#[test]
fn a_slow_flush_of_the_transport_is_awaited() {
    for_each_talk(|mut talk| {
        let io = &talk.subject_io;
        let before = io.counts().flush;
        io.script(Operation::Flush, [Answer::Pending; 3]);
        executor::block_on(Watched::new(send(&mut talk.subject, b"request"), &[io]));
        let after = io.counts().flush;
        assert_eq!(after.pending - before.pending, 3);
        assert!(
            after.calls - before.calls > 3,
            "the successful flush comes after"
        );
    });
}
