//! Guarantees that hold whatever is left of the cooperative budget of a task: without any, the
//! resources of tokio return `Pending` although they are ready.

use std::future::poll_fn;
use std::io;
use std::io::ErrorKind as IoErrorKind;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
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

/// A stream whose writes fail, over a transport that is charged to the budget.
struct FailingWrites(DuplexStream);

impl AsyncRead for FailingWrites {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for FailingWrites {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(IoErrorKind::TimedOut.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn data_in_the_transport_is_read_before_a_write_error_is_returned() {
    for version in Version::ALL {
        let (near, far) = duplex(WIDE);
        let (client, mut server) = connected(version, near, far).await;
        // The tickets do not matter here.
        let parts = client.into_parts();
        let parts = parts.try_map_io(|io| Ok::<_, ()>(FailingWrites(io)));
        let mut client = TlsStream::from(client::TlsStream::from(parts.unwrap()));
        client.write_all(b"request").await.expect_err("an error");
        server.write_all(b"x").await.expect("room");
        let mut room = [0];
        let mut read = pin!(client.read(&mut room));
        assert!(poll_with(0, &mut read).await.is_pending());
        let read = poll_with(100, &mut read).await;
        assert!(matches!(read, Poll::Ready(Ok(1))), "{version:?}: {read:?}");
    }
}

/// The alert says more than the error.
#[tokio::test]
async fn an_alert_in_the_transport_is_returned_instead_of_a_write_error() {
    let (near, mut far) = duplex(WIDE);
    far.write_all(&[21, 3, 3, 0, 2, 2, 40]).await.expect("room");
    let connector = connector(Setup::new(Version::Tls13).client());
    let mut connect = connector.connect(localhost(), FailingWrites(near));
    assert!(poll_with(0, &mut connect).await.is_pending());
    match poll_with(100, &mut connect).await {
        Poll::Ready(Err(error)) => {
            let kind = error_kind(&error);
            assert!(matches!(kind, Some(ErrorKind::Alert(_))), "{error:?}");
        }
        _ => panic!("neither an alert nor an error"),
    }
}

/// Otherwise it would stay in the stream although the transport is ready.
#[tokio::test]
async fn a_write_accepts_nothing_that_it_cannot_offer_to_the_transport() {
    for version in Version::ALL {
        let (near, far) = duplex(WIDE);
        let (mut client, mut server) = connected(version, near, far).await;
        let mut write = pin!(client.write(b"x"));
        assert!(poll_with(0, &mut write).await.is_pending());
        assert!(poll_with(1, &mut write).await.is_ready());
        assert_eq!(server.read(&mut [0; 2]).await.expect("what was written"), 1);
    }
}

/// A shutdown that may only seem blocked reads no more than the connection can hold.
#[tokio::test]
async fn into_inner_returns_what_a_shutdown_has_read() {
    let sent = pattern(100_000);
    for version in Version::ALL {
        let (near, far) = duplex(WIDE);
        let (mut client, mut server) = connected(version, near, far).await;
        server.write_all(&sent).await.expect("room");
        let mut shutdown = pin!(client.shutdown());
        assert!(poll_with(0, &mut shutdown).await.is_pending());
        shutdown.await.expect("a shutdown");
        drop(server);
        let (io, connection) = client.into_inner();
        let mut client = client::TlsStream::from((io, connection));
        let mut received = vec![0; sent.len()];
        client.read_exact(&mut received).await.expect("every byte");
        assert!(received == sent, "{version:?}");
    }
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
