//! 4. A handshake makes progress whenever the transport can move one byte in either direction.

use std::io::ErrorKind;

use crate::engine::rustls;
use crate::engine::{self, Setup};
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Operation, pipe};

use crate::support::{
    WIDE, acceptor, client_hello, connector, for_each_shape, handshake, localhost, poll_once,
    receive, send,
};

/// Many, but no more than every engine accepts in a row.
const TICKETS: u8 = 32;

#[test]
fn it_completes_over_every_transport() {
    for_each_shape(|version, shape| {
        for setup in [Setup::new(version), Setup::new(version).client_auth()] {
            let (client, server) = handshake(setup.client(), setup.server(), shape.open());
            assert_eq!(
                client.get_ref().1.protocol_version(),
                Some(engine::wire(version))
            );
            let certificates = engine::client_certificates(&server);
            let expected = usize::from(setup.is_client_auth());
            assert_eq!(certificates, expected);
        }
    });
}

#[test]
fn it_completes_through_a_lazy_acceptor() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version);
        let (client_end, server_end) = shape.open();
        let connect = connector(setup.client()).connect(localhost(), client_end);
        let accept = async {
            let lazy = engine::lazy(server_end);
            let start = lazy.await.expect("a hello");
            assert_eq!(engine::server_name(&start).as_deref(), Some("localhost"));
            start
                .into_stream(setup.server().into())
                .await
                .expect("a handshake")
        };
        let (client, mut server) = executor::join(connect, accept);
        let mut client = client.expect("a handshake");
        executor::join(send(&mut client, b"hello"), receive(&mut server, 5));
    });
}

#[test]
fn it_completes_over_one_byte_with_an_abbreviated_handshake() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (client_config, server_config) = (setup.client(), setup.server());
        for resumed in [false, true] {
            let (client, server) = (client_config.clone(), server_config.clone());
            let (mut client, mut server) = handshake(client, server, pipe(1));
            let kind = server
                .get_ref()
                .1
                .handshake_kind()
                .expect("an established connection");
            assert_eq!(
                kind == rustls::HandshakeKind::Resumed,
                resumed,
                "{version:?}"
            );
            // The client processes the tickets with the first bytes that it reads.
            executor::join(send(&mut server, b"hello"), receive(&mut client, 5));
        }
    }
}

#[test]
fn it_reads_while_its_writes_are_blocked() {
    for version in Version::ALL {
        let setup = Setup::new(version);

        let (end, _peer) = pipe(WIDE);
        let io = end.control();
        io.block(Operation::Write);
        let mut connect = connector(setup.client()).connect(localhost(), end);
        assert!(poll_once(&mut connect).is_pending());
        io.inject(&[22, 3, 3]);
        assert!(poll_once(&mut connect).is_pending());
        assert_eq!(io.unread(), 0, "the {version:?} client reads");

        let (end, _peer) = pipe(WIDE);
        let io = end.control();
        io.block(Operation::Write);
        io.inject(&client_hello(version));
        let mut accept = acceptor(setup.server()).accept(end);
        assert!(poll_once(&mut accept).is_pending());
        io.inject(&[20, 3, 3]);
        assert!(poll_once(&mut accept).is_pending());
        assert_eq!(io.unread(), 0, "the {version:?} server reads");
    }
}

#[test]
fn accept_does_not_wait_for_the_tickets_to_be_drained() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version);
        let mut server_config = setup.server();
        engine::set_tickets(&mut server_config, TICKETS);
        // The client stops reading as soon as it is connected.
        let (mut client, mut server) = handshake(setup.client(), server_config, shape.open());

        // The tickets are not lost: they are sent before the first byte.
        executor::join(send(&mut server, b"hello"), receive(&mut client, 5));
        let expected = if version == Version::Tls13 {
            TICKETS
        } else {
            0
        };
        assert_eq!(engine::tickets_received(&client), u32::from(expected));
    });
}

#[test]
fn a_server_that_only_reads_sends_its_tickets() {
    let setup = Setup::new(Version::Tls13);
    let (mut client, mut server) = handshake(setup.client(), setup.server(), pipe(1));
    let mut executor = Executor::new();
    executor.spawn("server reads", receive(&mut server, 1));
    executor.spawn("client reads", receive(&mut client, 1));
    assert!(
        !executor.run_until_stalled(),
        "no application data was sent"
    );
    drop(executor);
    assert_eq!(engine::tickets_received(&client), 2);
}

#[test]
fn a_server_flushes_its_last_flight_through_a_buffered_transport() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (client_end, server_end) = pipe(WIDE);
        let server_io = server_end.control();
        server_io.buffer(64 * 1024);
        let (_client, _server) =
            handshake(setup.client(), setup.server(), (client_end, server_end));
        assert!(server_io.counts().flush.calls > 0);
    }
}

#[test]
fn a_write_that_fails_once_fails_it_although_there_is_more_to_read() {
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (client_end, server_end) = pipe(WIDE);
        let io = client_end.control();
        io.at_most(Operation::Read, 7);
        // The hello is sent, and nothing of what follows the server's.
        io.script(
            Operation::Write,
            [Answer::Honest, Answer::Error(ErrorKind::TimedOut)],
        );
        let connect = connector(setup.client()).connect(localhost(), client_end);
        let accept = acceptor(setup.server()).accept(server_end);
        let (connected, accepted) = executor::join(connect, accept);
        let error = connected.expect_err("a failed write");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        accepted.expect_err("half a handshake");
    }
}
