//! A connection that was begun by other code, perhaps in the middle of a record: no byte after the
//! peer's close_notify is lost.

use std::ops::DerefMut;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use pollback::rustls::{ConnectionCommon, ServerConnection, SideData};
use pollback::{ErrorKind, TlsConnector, TlsStream, client, server};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, End, Operation, pipe};

use crate::support::{WIDE, error_kind, for_each_talk, localhost, poll_once, receive, send};

/// Other code passes this many of the received bytes to the connection, and then creates a stream
/// from it.
fn adopt_after(stream: TlsStream<End>, given: usize) -> TlsStream<End> {
    fn given_to<C, D>(mut io: End, mut connection: C, given: usize) -> (End, C)
    where
        C: DerefMut<Target = ConnectionCommon<D>>,
        D: SideData,
    {
        if given == 0 {
            // A connection treats an empty read as the end.
            return (io, connection);
        }
        let bytes = executor::block_on(receive(&mut io, given));
        let taken = connection.read_tls(&mut &bytes[..]).expect("room");
        assert_eq!(taken, given);
        connection.process_new_packets().expect("part of a record");
        (io, connection)
    }

    match stream {
        TlsStream::Client(stream) => {
            let (io, connection) = stream.into_inner();
            client::TlsStream::from(given_to(io, connection, given)).into()
        }
        TlsStream::Server(stream) => {
            let (io, connection) = stream.into_inner();
            server::TlsStream::from(given_to(io, connection, given)).into()
        }
    }
}

fn assert_trailing(stream: TlsStream<End>, expected: &[u8]) {
    let (error, stream) = stream.into_transport().expect_err("bytes that follow");
    assert_eq!(error_kind(&error), Some(ErrorKind::TrailingData));
    let ciphertext = match stream {
        TlsStream::Client(stream) => stream.into_parts().ciphertext,
        TlsStream::Server(stream) => stream.into_parts().ciphertext,
    };
    assert_eq!(ciphertext, expected);
}

#[test]
fn bytes_after_the_close_notify_of_a_connection_begun_elsewhere_are_kept() {
    for given in [0, 1, 4, 5, 6, 20] {
        eprintln!("{given} bytes of a record");
        for_each_talk(|mut talk| {
            executor::block_on(send(&mut talk.peer, b"last words"));
            assert!(poll_once(talk.peer.end_tls()).is_pending());
            talk.subject_io.inject(b"220 hello");
            let mut subject = adopt_after(talk.subject, given);
            assert_eq!(executor::block_on(receive(&mut subject, 10)), b"last words");
            executor::block_on(subject.end_tls()).expect("the end of TLS");
            assert_trailing(subject, b"220 hello");
        });
    }
}

/// The first record that such a stream reads is the close_notify.
#[test]
fn a_connection_begun_elsewhere_may_receive_only_a_close_notify() {
    for given in [0, 3, 7] {
        for_each_talk(|mut talk| {
            assert!(poll_once(talk.peer.end_tls()).is_pending());
            talk.subject_io.inject(b"220 hello");
            let mut subject = adopt_after(talk.subject, given);
            executor::block_on(subject.end_tls()).expect("the end of TLS");
            assert_trailing(subject, b"220 hello");
        });
    }
}

/// A server that still waits for the end of the handshake receives the client's Finished, data, a
/// close_notify, and bytes after it.
#[test]
fn bytes_after_the_close_notify_are_kept_if_the_handshake_was_begun_elsewhere() {
    // In one piece, or cut anywhere in these records.
    for cut in [WIDE, 1, 3, 8, 40, 100] {
        assert_kept_after_handshake(cut);
    }
}

fn assert_kept_after_handshake(cut: usize) {
    let setup = Setup::new(Version::Tls13);
    let (near, mut far) = pipe(WIDE);
    let mut connecting =
        pin!(TlsConnector::from(Arc::new(setup.client())).connect(localhost(), near));
    assert!(poll_once(connecting.as_mut()).is_pending());

    let mut connection = ServerConnection::new(Arc::new(setup.server())).expect("a configuration");
    let arrived = far.control().unread();
    let hello = executor::block_on(receive(&mut far, arrived));
    connection.read_tls(&mut &hello[..]).expect("room");
    connection.process_new_packets().expect("a ClientHello");
    let mut flight = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut flight).expect("memory");
    }
    executor::block_on(send(&mut far, &flight));

    let Poll::Ready(Ok(client)) = poll_once(connecting) else {
        panic!("the client waits for nothing more");
    };
    let mut client = TlsStream::from(client);
    executor::block_on(send(&mut client, b"last words"));
    assert!(poll_once(client.end_tls()).is_pending());
    far.control().inject(b"220 hello");
    let first = [Answer::AtMost(cut)];
    far.control().script(Operation::Read, first);

    let mut server = TlsStream::from(server::TlsStream::from((far, connection)));
    assert_eq!(executor::block_on(receive(&mut server, 10)), b"last words");
    executor::block_on(server.end_tls()).expect("the end of TLS");
    assert_trailing(server, b"220 hello");
}
