//! A server's stream that is returned before the client's Finished: early data is read and answered
//! at once, and none of it is lost.

use std::io::ErrorKind as IoErrorKind;
use std::sync::Arc;
use std::task::Poll;

use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, SHAPES, Shape, pipe};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use crate::engine::rustls::HandshakeKind;
use crate::engine::{PeerMisbehaved, RETRIED, ServerConfig, Setup, client, lazy, rustls, server};
use crate::resumption::{Acquaintances, LIMIT};
use crate::support::{
    WIDE, localhost, pattern, poll_once, poll_read, receive, receive_all, records, send, tls_error,
};

const QUESTION: &[u8] = b"GET / early";
const ANSWER: &[u8] = b"200 at once";
const APPLICATION_DATA: u8 = 23;

fn for_each_shape(test: impl Fn(&Acquaintances, &Shape)) {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        test(&Acquaintances::new().with_half_rtt(), shape);
    }
}

async fn connect(both: &Acquaintances, end: End) -> client::TlsStream<End> {
    let connected = both.connector().connect(localhost(), end).await;
    connected.expect("the client connects")
}

async fn accept(both: &Acquaintances, end: End) -> server::TlsStream<End> {
    let accepted = both.acceptor().early_data(true).accept(end).await;
    accepted.expect("the server accepts")
}

/// A client that has sent `early` and nothing else, and the server's end of the pipe.
fn asking(both: &Acquaintances, early: &[u8]) -> (client::TlsStream<End>, End) {
    let (client_end, server_end) = pipe(WIDE);
    let mut client = executor::block_on(connect(both, client_end));
    executor::block_on(client.write_all(early)).expect("early data");
    (client, server_end)
}

/// A server whose stream is returned before the client's Finished.
fn answering(both: &Acquaintances, early: &[u8]) -> (client::TlsStream<End>, Early) {
    let (client, end) = asking(both, early);
    let io = end.control();
    let stream = executor::block_on(accept(both, end));
    assert!(is_handshaking(&stream));
    (client, Early { stream, io })
}

struct Early {
    stream: server::TlsStream<End>,
    io: Control,
}

fn is_handshaking(stream: &server::TlsStream<End>) -> bool {
    stream.get_ref().1.is_handshaking()
}

#[test]
fn a_response_is_sent_before_the_finished_of_the_client() {
    let both = Acquaintances::new().with_half_rtt();
    let (mut client, Early { mut stream, io }) = answering(&both, QUESTION);
    let asked = executor::block_on(receive(&mut stream, QUESTION.len()));
    assert_eq!(asked, QUESTION);
    assert_eq!(stream.early_data_read(), QUESTION.len());
    let before = io.written().len();
    executor::block_on(send(&mut stream, ANSWER));
    assert_eq!(records(&io.written()[before..]), [APPLICATION_DATA]);
    assert!(is_handshaking(&stream));

    let answer = executor::block_on(receive(&mut client, ANSWER.len()));
    assert_eq!(answer, ANSWER);
    executor::block_on(stream.finish_handshake()).expect("a Finished");
    assert!(!is_handshaking(&stream));
    executor::join(send(&mut client, b"late"), async {
        assert_eq!(receive(&mut stream, 4).await, b"late");
    });
    assert_eq!(stream.early_data_read(), QUESTION.len());
}

#[test]
fn early_and_late_bytes_are_distinguished_over_every_transport() {
    for_each_shape(|both, shape| {
        let early = pattern(LIMIT as usize / 2);
        let late = &pattern(3000)[500..];
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(both, client_end).await;
            stream.write_all(&early).await.expect("early data");
            stream.flush().await.expect("the end of the handshake");
            send(&mut stream, late).await;
            let answer = receive(&mut stream, ANSWER.len()).await;
            stream.shutdown().await.expect("a shutdown");
            receive_all(&mut stream).await.expect("a clean end");
            answer
        };
        let server = async {
            let mut stream = accept(both, server_end).await;
            let mut read = Vec::new();
            let mut room = [0; 700];
            while read.len() < early.len() + late.len() {
                let before = stream.early_data_read();
                let length = stream.read(&mut room).await.expect("a read");
                let came_early = stream.early_data_read() - before;
                assert!(came_early == 0 || came_early == length);
                read.extend_from_slice(&room[..length]);
            }
            assert_eq!(stream.early_data_read(), early.len());
            assert!(!is_handshaking(&stream));
            send(&mut stream, ANSWER).await;
            stream.close().await.expect("a clean end");
            read
        };
        let (answer, read) = executor::join(client, server);
        assert!(read == [&early, late].concat());
        assert_eq!(answer, ANSWER);
    });
}

#[test]
fn a_response_that_is_longer_than_every_pipe_arrives() {
    for_each_shape(|both, shape| {
        let bytes = pattern(20_000);
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(both, client_end).await;
            stream.write_all(QUESTION).await.expect("early data");
            let answer = receive(&mut stream, bytes.len()).await;
            stream.close().await.expect("a clean end");
            answer
        };
        let server = async {
            let mut stream = accept(both, server_end).await;
            receive(&mut stream, QUESTION.len()).await;
            stream.write_all(&bytes).await.expect("an answer");
            stream.close().await.expect("a clean end");
        };
        assert!(executor::join(client, server).0 == bytes);
    });
}

#[test]
fn without_half_rtt_data_a_write_completes_the_handshake_and_a_flush_does_not() {
    let both = Acquaintances::new();
    let (mut client, Early { mut stream, .. }) = answering(&both, QUESTION);
    assert!(poll_once(stream.flush()).is_ready());
    assert!(poll_once(stream.write(ANSWER)).is_pending());
    let (answer, ()) = executor::join(receive(&mut client, ANSWER.len()), async {
        send(&mut stream, ANSWER).await;
    });
    assert_eq!(answer, ANSWER);
    // Early data that the handshake has processed is still returned.
    let asked = executor::block_on(receive(&mut stream, QUESTION.len()));
    assert_eq!(asked, QUESTION);
    assert_eq!(stream.early_data_read(), QUESTION.len());
}

#[test]
fn a_shutdown_sends_what_was_written_and_waits_for_the_finished() {
    let both = Acquaintances::new().with_half_rtt();
    let (mut client, Early { mut stream, io }) = answering(&both, QUESTION);
    executor::block_on(stream.write_all(ANSWER)).expect("an answer");
    assert!(poll_once(stream.shutdown()).is_pending());
    assert!(!io.is_closed());
    let (answer, shut) = executor::join(receive_all(&mut client), stream.shutdown());
    shut.expect("a shutdown");
    assert_eq!(answer.expect("a clean end"), ANSWER);
    assert!(io.is_closed());
    // So the client has received tickets for the next connection.
    let asked = executor::block_on(receive(&mut stream, QUESTION.len()));
    assert_eq!(asked, QUESTION);
}

#[test]
fn a_handshake_without_early_data_waits_for_the_finished() {
    let setup = |version| Setup::new(version).early_data(LIMIT);
    let of = |server: ServerConfig, client| Acquaintances { client, server };
    let forgetful = Acquaintances::new().with_a_forgetful_server();
    let mut retrying = Acquaintances::new();
    let storage = Arc::clone(&retrying.server.session_storage);
    retrying.server = crate::engine::with_another_group();
    retrying.server.max_early_data_size = LIMIT;
    retrying.server.session_storage = storage;
    for (name, both, kind) in [
        (
            "TLS 1.2",
            of(
                setup(Version::Tls12).server(),
                setup(Version::Tls12).client(),
            ),
            HandshakeKind::Full,
        ),
        (
            "no ticket",
            of(
                setup(Version::Tls13).server(),
                setup(Version::Tls13).client(),
            ),
            HandshakeKind::Full,
        ),
        ("rejected", forgetful, HandshakeKind::Full),
        ("retried", retrying, RETRIED),
    ] {
        eprintln!("{name}");
        let both = both.with_half_rtt();
        let (client_end, server_end) = pipe(WIDE);
        let client = async {
            let mut stream = connect(&both, client_end).await;
            send(&mut stream, QUESTION).await;
            receive(&mut stream, ANSWER.len()).await
        };
        let server = async {
            let mut stream = accept(&both, server_end).await;
            assert!(!is_handshaking(&stream));
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
            let asked = receive(&mut stream, QUESTION.len()).await;
            assert_eq!(stream.early_data_read(), 0);
            send(&mut stream, ANSWER).await;
            asked
        };
        let (answer, asked) = executor::join(client, server);
        assert_eq!((&answer[..], &asked[..]), (ANSWER, QUESTION));
    }
}

#[test]
fn a_replayed_flight_is_not_accepted_as_early_data() {
    let both = Acquaintances::new().with_half_rtt();
    let (client, Early { mut stream, io }) = answering(&both, QUESTION);
    executor::block_on(receive(&mut stream, QUESTION.len()));
    let flight = client.get_ref().0.control().written();
    drop((client, io));

    let (attacker, end) = pipe(WIDE);
    let replay = end.control();
    replay.inject(&flight);
    // The ticket has been used, so this waits for a Finished that the attacker cannot create.
    let mut accepting = Box::pin(both.acceptor().early_data(true).accept(end));
    assert!(poll_once(&mut accepting).is_pending());
    drop(attacker);
    let error = executor::block_on(accepting).expect_err("no Finished");
    assert_eq!(error.kind(), IoErrorKind::UnexpectedEof);
}

#[test]
fn early_data_is_read_before_the_end_of_the_transport() {
    let both = Acquaintances::new().with_half_rtt();
    let (client, Early { mut stream, .. }) = answering(&both, QUESTION);
    drop(client);
    let mut read = Vec::new();
    let error = executor::block_on(stream.read_to_end(&mut read)).expect_err("no end");
    assert_eq!(read, QUESTION);
    assert_eq!(error.kind(), IoErrorKind::UnexpectedEof);
}

#[test]
fn early_data_is_read_before_a_failure_of_the_handshake() {
    let both = Acquaintances::new().with_half_rtt();
    let (_client, Early { mut stream, io }) = answering(&both, QUESTION);
    // A record that does not decrypt.
    let mut forged = vec![APPLICATION_DATA, 3, 3, 0, 40];
    forged.extend([7; 40]);
    io.inject(&forged);
    let mut read = Vec::new();
    let error = executor::block_on(stream.read_to_end(&mut read)).expect_err("forged");
    assert_eq!(read, QUESTION);
    assert_eq!(tls_error(&error), &rustls::Error::DecryptError);
    let again = executor::block_on(stream.read(&mut [0; 8])).expect_err("it is permanent");
    assert_eq!(tls_error(&again), &rustls::Error::DecryptError);
}

#[test]
fn early_data_beyond_the_limit_is_an_error_after_the_allowed_part() {
    let mut both = Acquaintances::new().with_half_rtt();
    // Less than the ticket allows.
    both.server.max_early_data_size = 100;
    let (mut client, Early { mut stream, .. }) = answering(&both, &[1; 80]);
    executor::block_on(client.write_all(&[2; 80])).expect("early data");
    let mut read = Vec::new();
    let error = executor::block_on(stream.read_to_end(&mut read)).expect_err("too much");
    assert_eq!(read, [1; 80]);
    let expected = PeerMisbehaved::TooMuchEarlyDataReceived.into();
    assert_eq!(tls_error(&error), &expected);
}

#[test]
fn early_data_stays_in_the_transport_until_it_is_read() {
    let both = Acquaintances::with_limit(1 << 20).with_half_rtt();
    let bytes = pattern(1 << 19);
    let (_client, end) = asking(&both, &bytes);
    let io = end.control();
    let mut stream = executor::block_on(accept(&both, end));
    let mut read = Vec::new();
    while read.len() < bytes.len() {
        let before = io.unread();
        let Poll::Ready(part) = poll_read(&mut stream, 1000) else {
            panic!("all of it has arrived");
        };
        read.extend(part.expect("early data"));
        assert!(before - io.unread() <= 64 * 1024, "too much in one poll");
        let held = bytes.len() - read.len();
        assert!(
            io.unread() + 64 * 1024 >= held,
            "more is buffered than was requested"
        );
    }
    assert!(read == bytes);
}

/// Writes all the bytes and reads to the end, as in two tasks.
async fn exchange<S>(stream: S, bytes: &[u8]) -> Vec<u8>
where
    S: AsyncRead + AsyncWrite,
{
    let (mut reads, mut writes) = split(stream);
    let (received, ()) = tokio::join!(receive_all(&mut reads), async {
        send(&mut writes, bytes).await;
        writes.shutdown().await.expect("a shutdown");
    });
    received.expect("a clean end")
}

#[test]
fn two_tasks_share_the_stream_during_the_handshake() {
    for half_rtt in [false, true] {
        for shape in &SHAPES {
            eprintln!("over {}, half-RTT data: {half_rtt}", shape.name);
            let mut both = Acquaintances::new();
            both.server.send_half_rtt_data = half_rtt;
            let bytes = &pattern(LIMIT as usize + 3000);
            let (client_end, server_end) = shape.open();
            let client = async {
                let mut stream = connect(&both, client_end).await;
                stream.write_all(&bytes[..100]).await.expect("early data");
                exchange(stream, &bytes[100..]).await
            };
            let server = async { exchange(accept(&both, server_end).await, bytes).await };
            let (by_client, by_server) = executor::join(client, server);
            assert!(by_client == *bytes && by_server == *bytes);
        }
    }
}

#[test]
fn a_disassembled_stream_loses_no_early_data() {
    let both = Acquaintances::new().with_half_rtt();
    let (mut client, Early { mut stream, .. }) = answering(&both, &pattern(300));
    let asked = executor::block_on(receive(&mut stream, 100));
    // Returned from the connection, which still has the rest.
    let mut stream = server::TlsStream::from(stream.into_inner());
    let (_, rest) = executor::join(send(&mut client, b"late"), receive(&mut stream, 204));
    assert!([asked, rest].concat() == [&pattern(300)[..], b"late"].concat());

    let (_client, Early { mut stream, .. }) = answering(&both, &pattern(300));
    let lent = executor::block_on(stream.fill_buf())
        .expect("a loan")
        .to_vec();
    assert!(lent == pattern(300));
    stream.consume(100);
    let parts = stream.into_parts();
    assert!(parts.early_data_received == pattern(300)[100..]);
    let mut stream = server::TlsStream::from(parts);
    let rest = executor::block_on(receive(&mut stream, 200));
    assert!(rest == pattern(300)[100..]);
    assert_eq!(stream.early_data_read(), 300);
    // It may still respond at once.
    executor::block_on(send(&mut stream, ANSWER));
}

#[test]
fn a_disassembled_client_keeps_early_data_that_may_be_rejected() {
    let both = Acquaintances::new();
    let (client, _end) = asking(&both, QUESTION);
    let parts = client.into_parts();
    assert_eq!(parts.early_data_sent, QUESTION);
    assert!(parts.plaintext.is_empty());

    let forgetful = Acquaintances::new().with_a_forgetful_server();
    let (client, end) = asking(&forgetful, QUESTION);
    let mut client = client::TlsStream::from(client.into_parts());
    let (flushed, asked) = executor::join(client.flush(), async {
        receive(&mut accept(&forgetful, end).await, QUESTION.len()).await
    });
    flushed.expect("a flush");
    assert_eq!(asked, QUESTION);
}

#[test]
fn it_can_be_enabled_after_a_lazy_acceptor() {
    let both = Acquaintances::new().with_half_rtt();
    let (_client, end) = asking(&both, QUESTION);
    let config = Arc::new(both.server.clone());
    let stream = executor::block_on(async {
        let accept = lazy(end).await.expect("a hello").into_stream(config);
        accept.early_data(true).await
    });
    let mut stream = stream.expect("a stream");
    assert!(is_handshaking(&stream));
    let asked = executor::block_on(receive(&mut stream, QUESTION.len()));
    assert_eq!(asked, QUESTION);
    executor::block_on(send(&mut stream, ANSWER));
    assert!(is_handshaking(&stream));
}

#[test]
fn finishing_the_handshake_keeps_early_data_for_reads() {
    for_each_shape(|both, shape| {
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(both, client_end).await;
            stream.write_all(QUESTION).await.expect("early data");
            stream.finish_handshake().await.expect("a handshake");
            assert!(!stream.get_ref().1.is_handshaking());
            stream.shutdown().await.expect("a shutdown");
            receive_all(&mut stream).await.expect("a clean end")
        };
        let server = async {
            let mut stream = accept(both, server_end).await;
            stream.finish_handshake().await.expect("a Finished");
            stream.finish_handshake().await.expect("nothing to do");
            assert!(!is_handshaking(&stream));
            let asked = receive_all(&mut stream).await.expect("a clean end");
            assert_eq!(stream.early_data_read(), QUESTION.len());
            stream.shutdown().await.expect("a shutdown");
            asked
        };
        let (rest, asked) = executor::join(client, server);
        assert_eq!((&rest[..], &asked[..]), (&b""[..], QUESTION));
    });
}
