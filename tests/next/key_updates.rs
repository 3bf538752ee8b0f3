//! Key update requests of a peer that repeats them before it has received a response, as rustls
//! 0.23 does and 0.24 does not. The streams under test are whole, or in owned halves.

use std::sync::Arc;

use pollback::ErrorKind;
use pollback::next::rustls::error::PeerMisbehaved;
use pollback_testkit::configs::{Setup as OtherSetup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, Operation, pipe};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::engine::{Error, Setup, TlsStream};
use crate::support::{
    Side, WIDE, acceptor, connector, error_kind, localhost, poll_once, poll_read, receive, records,
    send, tls_error,
};

struct Talk {
    reader: Box<dyn AsyncRead + Unpin>,
    writer: Box<dyn AsyncWrite + Unpin>,
    io: Control,
    peer: pollback::TlsStream<pollback_testkit::pipe::End>,
    peer_io: Control,
}

fn for_each_talk(test: impl Fn(Talk)) {
    for under_test in Side::BOTH {
        for are_owned in [false, true] {
            eprintln!("{under_test:?}, owned halves: {are_owned}");
            test(talk(under_test, are_owned));
        }
    }
}

fn talk(under_test: Side, are_owned: bool) -> Talk {
    let (setup, other) = (Setup::new(Version::Tls13), OtherSetup::new(Version::Tls13));
    let (near, far) = pipe(WIDE);
    let (io, peer_io) = (near.control(), far.control());
    let (mut subject, mut peer) = match under_test {
        Side::Client => {
            let acceptor = pollback::TlsAcceptor::from(Arc::new(other.server()));
            let (client, server) = executor::join(
                connector(setup.client()).connect(localhost(), near),
                acceptor.accept(far),
            );
            let subject = TlsStream::from(client.expect("a client"));
            let peer = pollback::TlsStream::from(server.expect("a server"));
            (subject, peer)
        }
        Side::Server => {
            let connector = pollback::TlsConnector::from(Arc::new(other.client()));
            let (server, client) = executor::join(
                acceptor(setup.server()).accept(near),
                connector.connect(localhost(), far),
            );
            let subject = TlsStream::from(server.expect("a server"));
            let peer = pollback::TlsStream::from(client.expect("a client"));
            (subject, peer)
        }
    };
    // Nothing of the handshake is in transit any more.
    executor::join(send(&mut subject, b"."), receive(&mut peer, 1));
    executor::join(send(&mut peer, b"."), receive(&mut subject, 1));
    let (reader, writer): (Box<dyn AsyncRead + Unpin>, Box<dyn AsyncWrite + Unpin>) = if are_owned {
        crate::owned::halves::split(subject)
    } else {
        let (reader, writer) = tokio::io::split(subject);
        (Box::new(reader), Box::new(writer))
    };
    Talk {
        reader,
        writer,
        io,
        peer,
        peer_io,
    }
}

impl Talk {
    fn request(&mut self) {
        let requested = match &mut self.peer {
            pollback::TlsStream::Client(client) => client.get_mut().1.refresh_traffic_keys(),
            pollback::TlsStream::Server(server) => server.get_mut().1.refresh_traffic_keys(),
        };
        requested.expect("an established TLS 1.3 connection");
    }

    /// Exchanges data in both directions with the new keys.
    fn go_on(&mut self) {
        executor::join(send(&mut self.writer, b"new"), receive(&mut self.peer, 3));
        executor::join(send(&mut self.peer, b"keys"), receive(&mut self.reader, 4));
    }
}

#[test]
fn requests_that_arrive_together_get_one_response() {
    for_each_talk(|mut talk| {
        for _ in 0..30 {
            talk.request();
        }
        executor::block_on(talk.peer.flush()).expect("a flush");
        let (reads, before) = (talk.io.counts().read.calls, talk.io.written().len());
        assert!(poll_read(&mut talk.reader, 64).is_pending());
        // The last of them would block.
        assert_eq!(talk.io.counts().read.calls - reads, 2);
        assert_eq!(records(&talk.io.written()[before..]).len(), 1);
        talk.go_on();
    });
}

/// It does not wait for a read that finds nothing.
#[test]
fn a_read_that_returns_data_responds_to_what_came_before_it() {
    for_each_talk(|mut talk| {
        talk.request();
        executor::block_on(send(&mut talk.peer, b"."));
        let before = talk.io.written().len();
        let byte = executor::block_on(talk.reader.read_u8());
        assert_eq!(byte.expect("data"), b'.');
        assert_eq!(records(&talk.io.written()[before..]).len(), 1);
        talk.go_on();
    });
}

/// With data in between any number of them is allowed; responses must not accumulate for a peer
/// that reads none.
#[test]
fn requests_between_data_get_one_response_when_there_is_room() {
    for_each_talk(|mut talk| {
        let flood: Vec<_> = (0..3000)
            .map(|_| {
                talk.request();
                assert!(poll_once(send(&mut talk.peer, b".")).is_ready());
                talk.peer_io.take_unread_by_peer()
            })
            .collect();
        talk.io.block(Operation::Write);
        let before = talk.io.written().len();
        for piece in &flood {
            talk.io.inject(piece);
            let byte = executor::block_on(talk.reader.read_u8());
            assert_eq!(byte.expect("data"), b'.');
        }
        talk.io.unblock(Operation::Write);
        executor::block_on(talk.writer.flush()).expect("a flush");
        let answers = records(&talk.io.written()[before..]).len();
        assert_eq!(answers, 1);
        talk.go_on();
    });
}

#[test]
fn endless_consecutive_requests_are_fatal() {
    for_each_talk(|mut talk| {
        for _ in 0..1000 {
            talk.request();
        }
        executor::block_on(talk.peer.flush()).expect("a flush");
        let error = executor::block_on(talk.reader.read_u8()).expect_err("a flood");
        assert_eq!(error_kind(&error), Some(ErrorKind::Misbehaved));
        let too_many = PeerMisbehaved::TooManyConsecutiveHandshakeMessagesAfterHandshake;
        assert_eq!(tls_error(&error), &Error::from(too_many));
    });
}
