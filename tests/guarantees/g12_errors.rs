//! 12. An error of the transport is the result of one attempt.
//!
//! A failure of one direction does not hide what the other can still report.

use std::io::ErrorKind;
use std::task::Poll;

use crate::engine::{AlertDescription, Setup};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Operation};

use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};

use crate::engine::rustls;
use crate::support::{
    Talk, acceptor, assert_alert, connector, for_each_talk, localhost, poll_once, poll_read,
    receive, send,
};
use pollback_testkit::configs::Version;

/// After these errors the reads of a socket end on their own.
const ENDING: [ErrorKind; 3] = [
    ErrorKind::BrokenPipe,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
];

/// A request that could not be sent, and a reader that waits for the response.
fn unsent(talk: &mut Talk, kind: ErrorKind) {
    talk.subject_io
        .always(Operation::Write, Answer::Error(kind));
    let error = executor::block_on(talk.subject.write_all(b"request")).expect_err("an error");
    assert_eq!(error.kind(), kind);
}

#[test]
fn a_reader_waits_for_the_peer_although_writes_fail() {
    for kind in ENDING {
        for_each_talk(|mut talk| {
            unsent(&mut talk, kind);
            assert!(poll_read(&mut talk.subject, 8).is_pending());
            executor::block_on(send(&mut talk.peer, b"413"));
            assert_eq!(
                executor::block_on(receive(&mut talk.subject, 3)),
                b"413",
                "{kind:?}"
            );
        });
    }
}

#[test]
fn a_reader_fails_if_its_reads_might_never_end() {
    for_each_talk(|mut talk| {
        unsent(&mut talk, ErrorKind::TimedOut);
        match poll_read(&mut talk.subject, 8) {
            Poll::Ready(Err(error)) => assert_eq!(error.kind(), ErrorKind::TimedOut),
            other => panic!("{other:?} for a response that can never come"),
        }
        // That was the result of one attempt.
        talk.subject_io.always(Operation::Write, Answer::Honest);
        assert!(poll_read(&mut talk.subject, 8).is_pending());
        assert_eq!(executor::block_on(receive(&mut talk.peer, 7)), b"request");
    });
}

#[test]
fn a_waiting_reader_learns_that_a_request_cannot_be_sent() {
    for_each_talk(|talk| {
        let (mut reader, mut writer) = split(talk.subject);
        let io = talk.subject_io;
        let mut executor = Executor::new();
        let reading = executor.spawn("reader", async move { reader.read_u8().await });
        assert!(!executor.run_until_stalled());
        io.always(Operation::Write, Answer::Error(ErrorKind::TimedOut));
        let writing = executor.spawn("writer", async move { writer.write_all(b"request").await });
        executor.run();
        for error in [
            writing.take().expect_err("an error"),
            reading.take().map(drop).expect_err("an error"),
        ] {
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
    });
}

#[test]
fn every_operation_can_be_repeated() {
    let timed_out = || Answer::Error(ErrorKind::TimedOut);
    for_each_talk(|mut talk| {
        let io = talk.subject_io;
        for _ in 0..3 {
            io.script(Operation::Read, [timed_out()]);
            let error = executor::block_on(talk.subject.read_u8()).expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(error.to_string(), "injected");
            io.script(Operation::Flush, [timed_out()]);
            let error = executor::block_on(talk.subject.flush()).expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        }
        executor::block_on(send(&mut talk.subject, b"there"));
        assert_eq!(executor::block_on(receive(&mut talk.peer, 5)), b"there");
        executor::block_on(send(&mut talk.peer, b"back"));
        assert_eq!(executor::block_on(receive(&mut talk.subject, 4)), b"back");
        io.script(Operation::Shutdown, [timed_out()]);
        let error = executor::block_on(talk.subject.shutdown()).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        executor::block_on(talk.subject.shutdown()).expect("a shutdown");
        assert!(poll_once(talk.peer.read(&mut [0])).is_ready());
    });
}

/// A TLS 1.3 server rejects the certificate after the client's handshake is complete, and closes.
#[tokio::test]
async fn a_client_without_a_certificate_learns_why_over_tcp() {
    let setup = Setup::new(Version::Tls13).client_auth();
    let mut client = Setup::new(Version::Tls13).client();
    client.resumption = rustls::client::Resumption::disabled();
    let (connector, acceptor) = (connector(client), acceptor(setup.server()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    for size in [100, 1 << 20] {
        let bytes = vec![7; size];
        for _ in 0..1000 {
            let client = async {
                let tcp = TcpStream::connect(address).await.expect("a connection");
                let mut stream = connector.connect(localhost(), tcp).await.expect("our side");
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
                stream.read_u8().await.expect_err("a rejection")
            };
            let server = async {
                let (tcp, _) = listener.accept().await.expect("a connection");
                let refused = acceptor.accept(tcp).into_fallible().await;
                let (_, mut tcp) = refused.map(drop).expect_err("no certificate");
                // The alert arrives only if further input is read.
                let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
            };
            let client = async {
                let error = client.await;
                assert_alert(&error, AlertDescription::CertificateRequired);
            };
            tokio::join!(client, server);
        }
    }
}
