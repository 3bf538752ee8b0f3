//! Owned halves: the state of each when the other fails, closes or is dropped.

use std::io;

use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Control, End, Operation, pipe};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};

use pollback::Options;
use pollback::next::rustls::{ClientSide, ServerSide};

use crate::engine::{AlertDescription, Error, Setup, client, request_key_update, server};
use crate::support::{
    ALERT, WIDE, acceptor, assert_alert, connector, handshake, localhost, pattern, poll_once,
    read_what_is_there, receive, receive_all, records, send, tls_error,
};

pub(crate) type ReadHalf =
    pollback::next::ReadHalf<tokio::io::ReadHalf<End>, tokio::io::WriteHalf<End>, ServerSide>;
pub(crate) type WriteHalf = pollback::next::WriteHalf<tokio::io::WriteHalf<End>, ServerSide>;

/// A server in halves, and its client.
pub(crate) struct Halves {
    pub(crate) reader: ReadHalf,
    pub(crate) writer: WriteHalf,
    pub(crate) io: Control,
    pub(crate) client: client::TlsStream<End>,
}

pub(crate) fn halves(version: Version) -> Halves {
    let setup = Setup::new(version);
    let ends = pipe(WIDE);
    let io = ends.1.control();
    let (mut client, mut server) = handshake(setup.client(), setup.server(), ends);
    // Nothing of the handshake is in transit any more.
    executor::join(send(&mut server, b"."), receive(&mut client, 1));
    let halves = server.into_split_with(tokio::io::split);
    let (reader, writer) = halves.expect("a complete handshake");
    Halves {
        reader,
        writer,
        io,
        client,
    }
}

pub(crate) fn for_each_version(test: impl Fn(Version)) {
    for version in Version::ALL {
        eprintln!("{version:?}");
        test(version);
    }
}

/// A record that no key decrypts.
pub(crate) const FORGED: [u8; 5 + 64] = {
    let mut record = [0; 5 + 64];
    [record[0], record[1], record[2], record[4]] = [23, 3, 3, 64];
    record
};

#[test]
fn the_reader_sends_responses_while_the_writer_is_idle_or_gone() {
    for is_gone in [false, true] {
        let Halves {
            mut reader,
            writer,
            io,
            client,
        } = halves(Version::Tls13);
        let writer = (!is_gone).then_some(writer);
        // A dropped writer drops the transport, unless there is still something to send.
        let mut client = crate::engine::TlsStream::from(client);
        request_key_update(&mut client);
        let before = io.written().len();
        assert!(poll_once(client.flush()).is_ready());
        assert!(poll_once(reader.read_u8()).is_pending());
        let sent = records(&io.written()[before..]).len();
        assert_eq!(sent, usize::from(!is_gone));
        drop(writer);
    }
}

#[test]
fn a_blocked_writer_does_not_delay_the_reader() {
    let Halves {
        mut reader,
        mut writer,
        io,
        mut client,
    } = halves(Version::Tls13);
    io.block(Operation::Write);
    let bytes = pattern(300_000);
    let mut executor = Executor::new();
    let write = executor.spawn("writer", async {
        send(&mut writer, &bytes).await;
    });
    let read = executor.spawn("reader", async { receive(&mut reader, 5).await });
    assert!(!executor.run_until_stalled());
    executor::block_on(send(&mut client, b"hello"));
    executor.run_until_stalled();
    assert_eq!(read.take(), b"hello");
    assert!(!write.is_finished());
    io.unblock(Operation::Write);
    let received = executor.spawn("client", receive(&mut client, bytes.len()));
    executor.run();
    assert!(received.take() == bytes);
}

#[test]
fn a_failure_of_the_reader_sends_an_alert_and_fails_the_writer() {
    for_each_version(|version| {
        let Halves {
            mut reader,
            mut writer,
            io,
            mut client,
        } = halves(version);
        io.inject(&FORGED);
        for _ in 0..3 {
            let error = executor::block_on(reader.read_u8()).expect_err("a bad record");
            assert_eq!(tls_error(&error), &Error::DecryptError);
        }
        let error = executor::block_on(client.read_u8()).expect_err("an alert");
        assert_alert(&error, AlertDescription::BadRecordMac);
        let error = executor::block_on(writer.write(b"more")).expect_err("no connection");
        assert_eq!(tls_error(&error), &Error::DecryptError);
    });
}

/// The reader has found it, and returns it after the earlier data.
#[test]
fn a_failure_not_yet_returned_fails_the_writer_too() {
    for_each_version(|version| {
        let Halves {
            mut reader,
            mut writer,
            io,
            mut client,
        } = halves(version);
        executor::block_on(send(&mut client, b"hello"));
        io.inject(&FORGED);
        let mut room = [0; 64];
        let read = executor::block_on(reader.read(&mut room));
        assert_eq!(read.expect("the earlier data"), 5);
        let error = executor::block_on(writer.write(b"more")).expect_err("no connection");
        assert_eq!(tls_error(&error), &Error::DecryptError);
        let error = executor::block_on(client.read_u8()).expect_err("an alert");
        assert_alert(&error, AlertDescription::BadRecordMac);
        let error = executor::block_on(reader.read(&mut room)).expect_err("a bad record");
        assert_eq!(tls_error(&error), &Error::DecryptError);
    });
}

#[test]
fn the_alert_of_a_reader_waits_for_a_blocked_transport() {
    for_each_version(|version| {
        let Halves {
            mut reader,
            mut writer,
            io,
            client: _client,
        } = halves(version);
        io.block(Operation::Write);
        let before = io.written().len();
        io.inject(&FORGED);
        let mut executor = Executor::new();
        let read = executor.spawn("reader", reader.read_u8());
        let write = executor.spawn("writer", async {
            writer.write_all(&pattern(300_000)).await
        });
        assert!(!executor.run_until_stalled());
        io.unblock(Operation::Write);
        executor.run();
        tls_error(&read.take().expect_err("a bad record"));
        tls_error(&write.take().expect_err("no connection"));
        let sent = records(&io.written()[before..]);
        assert_eq!(
            sent.last(),
            Some(if version == Version::Tls12 {
                &ALERT
            } else {
                &23
            })
        );
    });
}

#[test]
fn the_reader_continues_after_a_shutdown_of_the_writer() {
    for_each_version(|version| {
        let Halves {
            mut reader,
            mut writer,
            io,
            mut client,
        } = halves(version);
        executor::block_on(async {
            writer.write_all(b"all there is").await.expect("a write");
            writer.shutdown().await.expect("a shutdown");
            assert_eq!(io.counts().shutdown.calls, 1);
            let error = writer.write(b"more").await.expect_err("it is shut down");
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
            let received = receive_all(&mut client).await.expect("a clean end");
            assert_eq!(received, b"all there is");
            send(&mut client, b"answer").await;
            client.shutdown().await.expect("a shutdown");
            let received = receive_all(&mut reader).await.expect("a clean end");
            assert_eq!(received, b"answer");
        });
    });
}

#[test]
fn a_dropped_writer_ends_the_transport_after_its_data() {
    for_each_version(|version| {
        for blocked in [false, true] {
            let Halves {
                mut reader,
                mut writer,
                io,
                mut client,
            } = halves(version);
            if blocked {
                io.block(Operation::Write);
            }
            executor::block_on(writer.write_all(b"request")).expect("room for it");
            drop(writer);
            let mut executor = Executor::new();
            let read = executor.spawn("reader", receive(&mut reader, 5));
            assert!(!executor.run_until_stalled());
            io.unblock(Operation::Write);
            executor.run_until_stalled();
            assert_eq!(executor::block_on(receive(&mut client, 7)), b"request");
            // The reader continues.
            executor::block_on(send(&mut client, b"hello"));
            executor.run();
            assert_eq!(read.take(), b"hello");
        }
    });
}

#[tokio::test]
async fn a_dropped_writer_is_a_truncation_over_tcp() {
    let (client, server) = over_tcp(Version::Tls13).await;
    let (reader, mut writer) = server.into_split().expect("a complete handshake");
    send(&mut writer, b"request").await;
    drop(writer);
    let (mut client_reader, _writer) = client.into_split().expect("a complete handshake");
    assert_eq!(receive(&mut client_reader, 7).await, b"request");
    let error = client_reader.read_u8().await.expect_err("no close_notify");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    drop(reader);
}

#[test]
fn dropping_both_halves_ends_the_transport() {
    for_each_version(|version| {
        for (blocked, reader_first) in [(false, false), (false, true), (true, false), (true, true)]
        {
            let Halves {
                reader,
                mut writer,
                io,
                mut client,
            } = halves(version);
            if blocked {
                io.block(Operation::Write);
            }
            executor::block_on(writer.write_all(b"request")).expect("room for it");
            if reader_first {
                drop(reader);
                drop(writer);
            } else {
                drop(writer);
                drop(reader);
            }
            if !blocked {
                assert_eq!(executor::block_on(receive(&mut client, 7)), b"request");
            }
            let error = executor::block_on(client.read_u8()).expect_err("no close_notify");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    });
}

#[test]
fn the_writer_continues_after_a_shutdown_of_the_peer() {
    for_each_version(|version| {
        let Halves {
            mut reader,
            mut writer,
            mut client,
            ..
        } = halves(version);
        executor::block_on(async {
            client.shutdown().await.expect("a shutdown");
            for _ in 0..2 {
                assert_eq!(reader.read(&mut [0; 8]).await.expect("a clean end"), 0);
            }
            send(&mut writer, b"answer").await;
            writer.shutdown().await.expect("a shutdown");
        });
        let received = executor::block_on(receive_all(&mut client));
        assert_eq!(received.expect("a clean end"), b"answer");
    });
}

#[test]
fn the_writer_continues_after_the_reader_is_dropped() {
    for_each_version(|version| {
        let Halves {
            reader,
            mut writer,
            mut client,
            ..
        } = halves(version);
        drop(reader);
        let bytes = pattern(100_000);
        let ((), received) = executor::join(
            async {
                send(&mut writer, &bytes).await;
                writer.shutdown().await.expect("a shutdown");
            },
            receive_all(&mut client),
        );
        assert!(received.expect("a clean end") == bytes);
    });
}

#[test]
fn the_reader_sends_the_batch_of_an_idle_writer() {
    let setup = Setup::new(Version::Tls13);
    let (near, far) = pipe(WIDE);
    let options = Options::new().with_batched_writes(true);
    let (client, server) = executor::join(
        connector(setup.client()).connect(localhost(), near),
        acceptor(setup.server()).with_options(options).accept(far),
    );
    let (mut client, server) = (client.expect("a client"), server.expect("a server"));
    let halves = server.into_split_with(tokio::io::split);
    let (mut reader, mut writer) = halves.expect("a complete handshake");
    let mut executor = Executor::new();
    executor.spawn("reader", async move { reader.read_u8().await });
    assert!(!executor.run_until_stalled());
    executor::block_on(writer.write_all(b"request")).expect("a batch");
    executor.run_until_stalled();
    assert_eq!(read_what_is_there(&mut client), b"request");
}

/// Two threads on each side, with key updates of both in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_directions_flow_at_once_on_threads() {
    for version in Version::ALL {
        let (client, server) = over_tcp(version).await;
        let (client_reader, client_writer) = client.into_split().expect("a client");
        let (server_reader, server_writer) = server.into_split().expect("a server");
        let refreshes = version == Version::Tls13;
        let writes = [
            tokio::spawn(write_and_refresh(client_writer, refreshes)),
            tokio::spawn(write_and_refresh(server_writer, refreshes)),
        ];
        let reads = [
            tokio::spawn(read_and_check(client_reader)),
            tokio::spawn(read_and_check(server_reader)),
        ];
        for task in writes.into_iter().chain(reads) {
            task.await.expect("no panic");
        }
    }
}

trait Refresh {
    fn refresh(&mut self);
}

impl Refresh for pollback::next::WriteHalf<OwnedWriteHalf, ClientSide> {
    fn refresh(&mut self) {
        self.refresh_traffic_keys().expect("TLS 1.3");
    }
}

impl Refresh for pollback::next::WriteHalf<OwnedWriteHalf, ServerSide> {
    fn refresh(&mut self) {
        self.refresh_traffic_keys().expect("TLS 1.3");
    }
}

const ROUNDS: usize = 300;
const PART: usize = 20_000;

async fn write_and_refresh<W: AsyncWrite + Refresh + Unpin>(mut writer: W, refreshes: bool) {
    for round in 0..ROUNDS {
        writer
            .write_all(&[round as u8; PART])
            .await
            .expect("a write");
        if refreshes && round % 3 == 0 {
            writer.refresh();
        }
        writer.flush().await.expect("a flush");
    }
    writer.shutdown().await.expect("a shutdown");
}

async fn read_and_check<R: AsyncRead + AsyncBufReadExt + Unpin>(mut reader: R) {
    let mut read = 0;
    loop {
        let chunk = reader.fill_buf().await.expect("a read");
        if chunk.is_empty() {
            break;
        }
        for (at, byte) in chunk.iter().enumerate() {
            assert_eq!(*byte, ((read + at) / PART) as u8);
        }
        let length = chunk.len();
        read += length;
        reader.consume(length);
    }
    assert_eq!(read, ROUNDS * PART);
}

pub(crate) async fn over_tcp(
    version: Version,
) -> (client::TlsStream<TcpStream>, server::TlsStream<TcpStream>) {
    let setup = Setup::new(version);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let client = async {
        let tcp = TcpStream::connect(address).await.expect("a connection");
        let connect = connector(setup.client()).connect(localhost(), tcp);
        connect.await.expect("a handshake")
    };
    let server = async {
        let (tcp, _) = listener.accept().await.expect("a connection");
        acceptor(setup.server())
            .accept(tcp)
            .await
            .expect("a handshake")
    };
    tokio::join!(client, server)
}

#[test]
fn a_response_that_cannot_be_sent_does_not_replace_a_truncation() {
    let Halves {
        mut reader,
        writer,
        io,
        client,
    } = halves(Version::Tls13);
    let mut client = crate::engine::TlsStream::from(client);
    // Nothing is left to send, so the transport is released.
    assert!(poll_once(reader.read_u8()).is_pending());
    drop(writer);
    assert!(poll_once(reader.read_u8()).is_pending());
    request_key_update(&mut client);
    assert!(poll_once(client.flush()).is_ready());
    assert!(poll_once(reader.read_u8()).is_pending());
    io.end_of_stream();
    let error = executor::block_on(reader.read_u8()).expect_err("cut off");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error:?}");
}
