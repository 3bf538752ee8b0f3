//! Guarantees that hold whatever is left of the cooperative budget of a task: without any, the
//! resources of tokio return `Pending` although they are ready.

use std::future::poll_fn;
use std::io::ErrorKind as IoErrorKind;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use pollback::ErrorKind;
use pollback_testkit::budget::{poll_with, run_with};
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Operation};
use pollback_testkit::sockets::tcp;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

use crate::engine::{Setup, TlsStream, client, server};
use crate::support::{
    Talk, WIDE, acceptor, connector, error_kind, for_each_talk, localhost, pattern, send,
};

/// More than any operation here needs at once.
const LEFT: std::ops::Range<usize> = 1..12;

async fn connected<IO>(
    version: Version,
    near: IO,
    far: IO,
) -> (client::TlsStream<IO>, server::TlsStream<IO>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let setup = Setup::new(version);
    let (client, server) = tokio::join!(
        connector(setup.client()).connect(localhost(), near),
        acceptor(setup.server()).accept(far),
    );
    (client.expect("a client"), server.expect("a server"))
}

/// How much has arrived at a transport and was not read.
async fn unread(io: &mut DuplexStream) -> usize {
    yield_now().await;
    let mut room = vec![0; WIDE];
    let mut buf = ReadBuf::new(&mut room);
    let _ = poll_fn(|cx| Poll::Ready(Pin::new(&mut *io).poll_read(cx, &mut buf))).await;
    buf.filled().len()
}

#[tokio::test]
async fn a_shutdown_reads_what_has_arrived() {
    for version in Version::ALL {
        for left in LEFT {
            let (near, far) = duplex(WIDE);
            let (mut client, mut server) = connected(version, near, far).await;
            server.write_all(b"unread").await.expect("room");
            run_with(left, client.shutdown()).await.expect("a shutdown");
            let (mut io, _) = client.into_inner();
            assert_eq!(unread(&mut io).await, 0, "{version:?}, {left} left");
        }
    }
}

/// Unread bytes would make the kernel send a reset, which destroys what the peer has not read.
#[tokio::test]
async fn data_that_was_written_before_a_shutdown_arrives_over_tcp() {
    for left in LEFT {
        let (near, far) = tcp().await;
        let (mut client, mut server) = connected(Version::Tls13, near, far).await;
        // The tickets of the server are unread.
        client.get_ref().0.readable().await.expect("tickets");
        let sent = pattern(100_000);
        client.write_all(&sent).await.expect("room");
        run_with(left, client.shutdown()).await.expect("a shutdown");
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.expect("no reset");
        assert!(received == sent, "{} bytes, {left} left", received.len());
    }
}

#[tokio::test]
async fn what_follows_a_failed_handshake_is_read() {
    for left in LEFT {
        let (mut near, far) = duplex(WIDE);
        near.write_all(&[b'x'; 40_000]).await.expect("room");
        let accept = acceptor(Setup::new(Version::Tls13).server()).accept(far);
        let failed = run_with(left, accept.into_fallible()).await;
        let (error, mut io) = failed.map(drop).expect_err("not TLS");
        assert_eq!(error_kind(&error), Some(ErrorKind::NotTls));
        assert_eq!(unread(&mut io).await, 0, "{left} left");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_times_out_in_a_task_without_budget() {
    const LIMIT: Duration = Duration::from_secs(7);
    let (near, _far) = duplex(WIDE);
    let connector = connector(Setup::new(Version::Tls13).client()).with_handshake_timeout(LIMIT);
    let mut connect = connector.connect(localhost(), near);
    assert!(poll_with(0, &mut connect).await.is_pending());
    tokio::time::advance(LIMIT).await;
    match poll_with(0, &mut connect).await {
        Poll::Ready(Err(error)) => {
            assert_eq!(error_kind(&error), Some(ErrorKind::HandshakeTimeout));
        }
        other => panic!("{:?}", other.map(|connected| connected.map(drop))),
    }
}

#[test]
fn an_attempt_to_read_returns_what_has_arrived() {
    for_each_talk(|mut talk| {
        unread_records(&mut talk);
        runtime().block_on(async {
            for _ in 0..3 {
                let mut attempt = pin!(async { talk.subject.try_read(&mut [0]) });
                let read = poll_with(0, &mut attempt).await;
                assert!(matches!(read, Poll::Ready(Ok(1))), "{read:?}");
            }
        });
    });
}

fn unread_records(talk: &mut Talk) {
    executor::block_on(async {
        for _ in 0..3 {
            send(&mut talk.peer, b"x").await;
        }
    });
}

fn runtime() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

/// A read that stops since the budget is spent does not wait, so it does not yet fail because its
/// request could not be sent.
#[test]
fn data_that_has_arrived_is_read_before_a_write_error_is_returned() {
    for_each_talk(|mut talk| {
        unread_records(&mut talk);
        talk.subject_io
            .always(Operation::Write, Answer::Error(IoErrorKind::TimedOut));
        executor::block_on(talk.subject.write_all(b"request")).expect_err("an error");
        runtime().block_on(async {
            let read = async |subject: &mut TlsStream<_>, left| {
                let mut room = [0];
                let mut read = pin!(subject.read(&mut room));
                poll_with(left, &mut read)
                    .await
                    .map_err(|error| error.kind())
            };
            let subject = &mut talk.subject;
            // The other two are read ahead with the first.
            assert_eq!(read(subject, 1).await, Poll::Ready(Ok(1)));
            for _ in 0..2 {
                assert_eq!(read(subject, 0).await, Poll::Pending);
                assert_eq!(read(subject, 1).await, Poll::Ready(Ok(1)));
            }
            let error = read(subject, 1).await;
            assert_eq!(error, Poll::Ready(Err(IoErrorKind::TimedOut)));
        });
    });
}

/// Both sides share it, so that one of them often has none.
#[tokio::test]
async fn a_conversation_completes_with_little_budget_in_each_poll() {
    let sent = &pattern(50_000);
    for version in Version::ALL {
        for left in 1..4 {
            let (near, far) = duplex(4096);
            run_with(left, async {
                let (mut client, mut server) = connected(version, near, far).await;
                let asking = async {
                    client.write_all(sent).await.expect("a peer");
                    let mut answer = vec![0; sent.len()];
                    client.read_exact(&mut answer).await.expect("an answer");
                    client.close().await.expect("an end");
                    answer
                };
                let answering = async {
                    let mut request = vec![0; sent.len()];
                    server.read_exact(&mut request).await.expect("a request");
                    server.write_all(&request).await.expect("a peer");
                    let rest = server.read_to_end(&mut request).await.expect("an end");
                    assert_eq!(rest, 0);
                    server.shutdown().await.expect("a shutdown");
                };
                let (answer, ()) = tokio::join!(asking, answering);
                assert!(answer == *sent, "{version:?}, {left} left");
            })
            .await;
        }
    }
}
