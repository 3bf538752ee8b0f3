//! Early data: accepted and read first, rejected and sent again, or not sent at all.

use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{End, SHAPES, Shape, pipe};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use crate::engine::{Setup, TlsAcceptor, TlsConnector, client, server};
use crate::resumption::{Acquaintances, LIMIT};
use crate::support::{
    WIDE, acceptor, connector, localhost, pattern, receive, receive_all, records, send, tls_error,
};

async fn connect(connector: TlsConnector, end: End) -> client::TlsStream<End> {
    connector
        .connect(localhost(), end)
        .await
        .expect("the client connects")
}

/// Accepts, and reads early data and later data.
async fn accept_and_read(
    acceptor: TlsAcceptor,
    end: End,
    length: usize,
) -> (server::TlsStream<End>, Vec<u8>, Vec<u8>) {
    let mut stream = acceptor.accept(end).await.expect("the server accepts");
    let mut early = receive(&mut stream, length).await;
    let late = early.split_off(stream.early_data_read());
    (stream, early, late)
}

fn for_each_shape(test: impl Fn(Acquaintances, &Shape)) {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        test(Acquaintances::new(), shape);
    }
}

#[test]
fn early_data_arrives_complete_and_in_order_accepted_or_rejected() {
    const MORE_THAN_THE_LIMIT: usize = 3 * LIMIT as usize;
    for rejected in [false, true] {
        for (length, part) in [(1000, 100), (MORE_THAN_THE_LIMIT, MORE_THAN_THE_LIMIT)] {
            for_each_shape(|both, shape| {
                let both = both.rejecting(rejected);
                let bytes = pattern(length);
                let (client_end, server_end) = shape.open();
                let client = async {
                    let mut stream = connect(both.connector(), client_end).await;
                    for chunk in bytes.chunks(part) {
                        stream.write_all(chunk).await.expect("early data");
                    }
                    if part < length {
                        stream.flush().await.expect("a flush");
                    }
                    receive(&mut stream, 6).await;
                    let accepted = stream.get_ref().1.is_early_data_accepted();
                    assert_eq!(accepted, !rejected);
                };
                let server = async {
                    let (mut stream, early, late) =
                        accept_and_read(both.acceptor(), server_end, length).await;
                    send(&mut stream, b"answer").await;
                    assert_eq!(early.is_empty(), rejected);
                    assert!(early.len() <= LIMIT as usize);
                    [early, late].concat()
                };
                assert!(executor::join(client, server).1 == bytes);
            });
        }
    }
}

#[test]
fn a_server_skips_early_data_up_to_its_limit() {
    let both = Acquaintances::new().with_a_forgetful_server();
    let bytes = pattern(1000);
    let (client_end, server_end) = pipe(WIDE);
    let client = async {
        let mut stream = connect(both.connector(), client_end).await;
        // Including the overhead of encryption, this is less than a third of the limit.
        for chunk in bytes.chunks(100) {
            stream.write_all(chunk).await.expect("early data");
        }
        stream.flush().await.expect("a flush");
        receive(&mut stream, 6).await
    };
    let server = async {
        let (mut stream, early, late) =
            accept_and_read(both.acceptor(), server_end, bytes.len()).await;
        send(&mut stream, b"answer").await;
        assert!(early.is_empty());
        late
    };
    assert!(executor::join(client, server).1 == bytes);
}

/// How many writes of the transport a client makes to send this many bytes of rejected early data
/// again.
fn writes_to_send_again(length: usize) -> usize {
    let both = Acquaintances::with_limit(1 << 24).with_a_forgetful_server();
    let bytes = pattern(length);
    let (client_end, server_end) = pipe(3 * length);
    let io = client_end.control();
    let mut client = executor::block_on(connect(both.connector(), client_end));
    executor::block_on(client.write_all(&bytes)).expect("early data");
    // A server of rustls skips only little early data, so it does not receive this.
    let sent = io.take_unread_by_peer();
    server_end
        .control()
        .inject(&without_application_data(&sent));
    let before = io.counts().writes();
    let ((), read) = executor::join(async { client.flush().await.expect("a flush") }, async {
        let accepted = both.acceptor().accept(server_end).await;
        let mut stream = accepted.expect("the server accepts");
        receive(&mut stream, length).await
    });
    assert!(read == bytes);
    io.counts().writes() - before
}

/// The records of other types.
fn without_application_data(mut bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    while let [content_type, _, _, high, low, ..] = bytes {
        let length = 5 + usize::from(u16::from_be_bytes([*high, *low]));
        if *content_type != 23 {
            kept.extend_from_slice(&bytes[..length]);
        }
        bytes = &bytes[length..];
    }
    kept
}

#[test]
fn rejected_early_data_is_sent_again_in_attempts_of_64_kib() {
    for length in [1 << 18, 1 << 20, 1 << 22] {
        let writes = writes_to_send_again(length);
        assert!(writes <= length / (64 * 1024) + 8, "{writes} for {length}");
    }
}

#[test]
fn lent_early_data_is_returned_first_too() {
    for_each_shape(|both, shape| {
        let bytes = pattern(2 * LIMIT as usize);
        let (client_end, server_end) = shape.open();
        let client = async {
            let mut stream = connect(both.connector(), client_end).await;
            stream.write_all(&bytes).await.expect("early data and more");
            stream.shutdown().await.expect("a shutdown");
            receive_all(&mut stream).await.expect("a clean end");
        };
        let server = async {
            let accepted = both.acceptor().accept(server_end).await;
            let mut stream = accepted.expect("the server accepts");
            let mut read = Vec::new();
            loop {
                let lent = stream.fill_buf().await.expect("a loan");
                let taken = lent.len().min(100);
                read.extend_from_slice(&lent[..taken]);
                stream.consume(taken);
                // Reads and loans may alternate.
                let mut room = [0; 50];
                let length = stream.read(&mut room).await.expect("a read");
                read.extend_from_slice(&room[..length]);
                if length == 0 {
                    break;
                }
            }
            stream.shutdown().await.expect("a shutdown");
            read
        };
        assert!(executor::join(client, server).1 == bytes);
    });
}

#[test]
fn a_client_that_reads_first_makes_progress() {
    for rejected in [false, true] {
        for_each_shape(|both, shape| {
            let both = both.rejecting(rejected);
            let (client_end, server_end) = shape.open();
            let client = async {
                let mut stream = connect(both.connector(), client_end).await;
                receive(&mut stream, 8).await
            };
            let server = async {
                let mut stream = both
                    .acceptor()
                    .accept(server_end)
                    .await
                    .expect("a handshake");
                send(&mut stream, b"greeting").await;
                stream
            };
            assert_eq!(executor::join(client, server).0, b"greeting");
        });
    }
}

#[test]
fn data_of_a_client_that_shuts_down_first_arrives() {
    for rejected in [false, true] {
        for_each_shape(|both, shape| {
            let both = both.rejecting(rejected);
            let (client_end, server_end) = shape.open();
            let client = async {
                let mut stream = connect(both.connector(), client_end).await;
                stream.write_all(b"all there is").await.expect("early data");
                stream.shutdown().await.expect("a shutdown");
                receive_all(&mut stream).await.expect("a clean end")
            };
            let server = async {
                let (mut stream, early, late) =
                    accept_and_read(both.acceptor(), server_end, 12).await;
                assert_eq!(stream.read(&mut [0; 8]).await.expect("a clean end"), 0);
                send(&mut stream, b"understood").await;
                stream.shutdown().await.expect("a shutdown");
                [early, late].concat()
            };
            let (answer, request) = executor::join(client, server);
            assert_eq!(answer, b"understood");
            assert_eq!(request, b"all there is");
        });
    }
}

#[test]
fn without_a_ticket_the_handshake_comes_first() {
    for shape in &SHAPES {
        let setup = Setup::new(Version::Tls13).early_data(LIMIT);
        let (client_end, server_end) = shape.open();
        let connector = connector(setup.client()).early_data(true);
        let client = async {
            let mut stream = connect(connector, client_end).await;
            assert!(!stream.get_ref().1.is_handshaking());
            send(&mut stream, b"request").await;
        };
        let server = accept_and_read(acceptor(setup.server()), server_end, 7);
        let ((), (_, early, late)) = executor::join(client, server);
        assert_eq!((&early[..], &late[..]), (&b""[..], &b"request"[..]));
    }
}

#[test]
fn early_data_is_sent_before_the_server_responds() {
    let both = Acquaintances::new();
    let (client_end, _server_end) = pipe(WIDE);
    let io = client_end.control();
    let mut stream = executor::block_on(connect(both.connector(), client_end));
    executor::block_on(stream.write_all(b"early")).expect("early data");
    assert!(stream.get_ref().1.is_handshaking());
    // The hello, a change_cipher_spec for middlebox compatibility, and application data.
    assert_eq!(records(&io.written()), [22, 20, 23]);
}

#[test]
fn no_early_data_follows_an_alert() {
    let both = Acquaintances::new();
    // Too small for the hello, so that the response is read before early data is sent.
    let (client_end, mut server_end) = pipe(100);
    client_end.control().inject(b"GET / HTTP/1.1\r\n\r\n");
    let connector = both.connector();
    let client = async {
        let mut stream = connect(connector, client_end).await;
        stream.write(b"early").await
    };
    let (written, sent) = executor::join(client, receive_all(&mut server_end));
    tls_error(&written.expect_err("the server does not speak TLS"));
    // The hello, a change_cipher_spec, and the alert under the key for early data.
    assert_eq!(records(&sent.expect("an end")), [22, 20, 23]);
}
