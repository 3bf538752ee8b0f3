//! 8. A dropped future loses nothing.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use crate::engine::{self, Setup};
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Operation, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    WIDE, acceptor, client_hello, connector, for_each_talk, localhost, pattern, poll_once, receive,
    receive_all, records, send,
};

#[test]
fn a_cancelled_read_loses_no_byte() {
    for_each_talk(|mut talk| {
        // The peer's record is passed to the subject byte by byte, with a read cancelled after
        // each.
        let written = talk.peer_io.written().len();
        let bytes = pattern(300);
        executor::block_on(send(&mut talk.peer, &bytes));
        let record = talk.peer_io.take_unread_by_peer();
        assert_eq!(record, talk.peer_io.written()[written..]);
        let (last, start) = record.split_last().expect("a record");
        for byte in start {
            talk.subject_io.inject(&[*byte]);
            assert!(poll_once(talk.subject.read(&mut [0; 512])).is_pending());
        }
        talk.subject_io.inject(&[*last]);
        assert_eq!(
            executor::block_on(receive(&mut talk.subject, bytes.len())),
            bytes
        );
    });
}

#[test]
fn a_cancelled_flush_loses_no_byte() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        assert!(poll_once(talk.subject.write(b"before")).is_ready());
        assert!(poll_once(talk.subject.flush()).is_pending());
        talk.subject_io.unblock(Operation::Write);
        executor::block_on(send(&mut talk.subject, b"after"));
        assert_eq!(
            executor::block_on(receive(&mut talk.peer, 11)),
            b"beforeafter"
        );
    });
}

#[test]
fn a_cancelled_shutdown_can_be_repeated() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        assert!(poll_once(talk.subject.shutdown()).is_pending());
        assert!(poll_once(talk.subject.shutdown()).is_pending());
        let before = talk.subject_io.written().len();
        talk.subject_io.unblock(Operation::Write);
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        assert_eq!(
            records(&talk.subject_io.written()[before..]).len(),
            1,
            "one close_notify"
        );
        let rest = executor::block_on(receive_all(&mut talk.peer)).expect("a clean end");
        assert!(rest.is_empty());
    });
}

#[test]
fn a_suspended_handshake_can_be_continued() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (client_end, server_end) = pipe(1);
        let mut connect = pin!(connector(setup.client()).connect(localhost(), client_end));
        let mut accept = pin!(acceptor(setup.server()).accept(server_end));
        let (mut connected, mut accepted) = (None, None);
        // Each poll is that of a new task, like those of a `select!` in a loop.
        for _ in 0..100_000 {
            step(connect.as_mut(), &mut connected);
            step(accept.as_mut(), &mut accepted);
        }
        let mut client = connected.expect("finished").expect("a handshake");
        let mut server = accepted.expect("finished").expect("a handshake");
        executor::join(send(&mut client, b"hello"), receive(&mut server, 5));
    }
}

#[test]
fn a_cancelled_wait_for_the_client_hello_loses_no_byte() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (client_end, server_end) = pipe(WIDE);
        let server_io = server_end.control();
        let mut connect = connector(setup.client()).connect(localhost(), client_end);
        assert!(poll_once(&mut connect).is_pending());
        let client_io = connect.get_ref().expect("in handshake").control();
        let hello = client_io.take_unread_by_peer();

        let mut lazy = engine::lazy(server_end);
        for byte in &hello[..hello.len() - 1] {
            server_io.inject(&[*byte]);
            assert!(poll_once(&mut lazy).is_pending());
        }
        server_io.inject(&hello[hello.len() - 1..]);
        let start = executor::block_on(&mut lazy).expect("a whole hello");
        assert_eq!(engine::server_name(&start).as_deref(), Some("localhost"));
        let (client, server) = executor::join(connect, start.into_stream(setup.server().into()));
        client.expect("a handshake");
        server.expect("a handshake");
    }
}

#[test]
fn a_lazy_acceptor_returns_its_transport() {
    for version in Version::ALL {
        let (end, _peer) = pipe(WIDE);
        let io = end.control();
        io.inject(&client_hello(version)[..9]);
        let mut lazy = engine::lazy(end);
        assert!(poll_once(&mut lazy).is_pending());
        let mut end = lazy.take_io().expect("the transport");
        executor::block_on(end.write_all(b"bye")).expect("a write");
        assert_eq!(io.written(), b"bye");
        assert!(lazy.take_io().is_none());
    }
}

#[test]
fn a_dropped_handshake_closes_the_transport() {
    for version in Version::ALL {
        let (end, mut peer) = pipe(WIDE);
        let connect = connector(Setup::new(version).client()).connect(localhost(), end);
        assert!(poll_once(connect).is_pending());
        let sent = executor::block_on(receive_all(&mut peer)).expect("an end");
        assert_eq!(records(&sent), [22], "the hello that was sent, and no more");
    }
}

fn step<F: Future>(future: Pin<&mut F>, output: &mut Option<F::Output>) {
    if output.is_none() {
        if let Poll::Ready(value) = future.poll(&mut Context::from_waker(Waker::noop())) {
            *output = Some(value);
        }
    }
}
