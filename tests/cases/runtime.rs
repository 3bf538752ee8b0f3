//! tokio's runtime: its budget for a poll, and its shutdown during operations.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use pollback::{TlsStream, client, server};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::sockets::tcp;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::support::{acceptor, connector, localhost, pattern, receive, send};

/// More than one poll may process.
const MUCH: usize = 16 << 20;

#[test]
fn a_stream_that_is_always_ready_lets_other_tasks_run() {
    for version in Version::ALL {
        let runtime = current_thread();
        LocalSet::new().block_on(&runtime, async {
            let (client, server) = connected(version).await;
            // The other task counts how often it runs, and yields each time.
            let turns = Rc::new(Cell::new(0));
            let counting = Rc::clone(&turns);
            let other = tokio::task::spawn_local(async move {
                loop {
                    counting.set(counting.get() + 1);
                    tokio::task::yield_now().await;
                }
            });
            let bytes = &pattern(MUCH);
            let (mut reads, writes) = split(TlsStream::from(client));
            let (server_reads, mut server_writes) = split(TlsStream::from(server));
            let sent = write_and_close(writes, bytes);
            let echoed = echo(server_reads, &mut server_writes);
            let received = async {
                let mut received = vec![0; bytes.len()];
                reads.read_exact(&mut received).await.expect("an echo");
                received
            };
            let ((), (), received) = tokio::join!(sent, echoed, received);
            assert!(received == *bytes);
            assert!(turns.get() > 10, "{} turns of the other task", turns.get());
            other.abort();
        });
    }
}

/// If the budget of the task is exhausted, a socket returns `Pending` although it is ready, and
/// wakes the task.
#[test]
fn an_exhausted_budget_causes_no_hang() {
    for version in Version::ALL {
        current_thread().block_on(async {
            let (mut client, mut server) = connected(version).await;
            send(&mut server, b"there").await;
            client.get_ref().0.readable().await.expect("a socket");
            let mut parked = false;
            let mut buffer = [0; 5];
            let mut read = pin!(client.read_exact(&mut buffer));
            poll_fn(|cx| {
                if !parked {
                    exhaust(cx);
                }
                let answer = read.as_mut().poll(cx);
                parked |= answer.is_pending();
                answer.map(|read| read.expect("bytes"))
            })
            .await;
            assert!(parked, "the budget was not exhausted");
            assert_eq!(&buffer, b"there");
        });
    }
}

/// Exhausts the budget of the task in this poll.
fn exhaust(cx: &mut std::task::Context<'_>) {
    while let Poll::Ready(progress) = tokio::task::coop::poll_proceed(cx) {
        progress.made_progress();
    }
}

#[test]
fn a_runtime_that_ends_during_the_handshake_fails_it() {
    for version in Version::ALL {
        // There is no response, so both sides wait forever.
        let setup = Setup::new(version);
        let runtime = current_thread();
        let (mut connect, mut accept, _other_ends) = runtime.block_on(async {
            let ((here, there), (from, to)) = (tcp().await, tcp().await);
            let mut connect = connector(setup.client()).connect(localhost(), here);
            let mut accept = acceptor(setup.server()).accept(to);
            assert!(poll_in_place(&mut connect).await.is_pending());
            assert!(poll_in_place(&mut accept).await.is_pending());
            (connect, accept, (there, from))
        });
        drop(runtime);
        executor::block_on(&mut connect).expect_err("no runtime");
        executor::block_on(&mut accept).expect_err("no runtime");
    }
}

#[test]
fn a_runtime_that_ends_drops_the_handshakes_of_its_tasks() {
    for version in Version::ALL {
        let runtime = current_thread();
        let dropped = Rc::new(());
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            let (here, there) = tcp().await;
            let held = Rc::clone(&dropped);
            let connect = connector(Setup::new(version).client()).connect(localhost(), here);
            tokio::task::spawn_local(async move {
                let _held = (held, there);
                let _stream = connect.await;
            });
            tokio::task::yield_now().await;
            assert_eq!(Rc::strong_count(&dropped), 2);
        });
        drop(local);
        drop(runtime);
        assert_eq!(Rc::strong_count(&dropped), 1);
    }
}

async fn write_and_close<W: AsyncWrite + Unpin>(mut writes: W, bytes: &[u8]) {
    writes.write_all(bytes).await.expect("a write");
    writes.shutdown().await.expect("a shutdown");
}

async fn echo<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(mut reads: R, writes: &mut W) {
    tokio::io::copy(&mut reads, writes).await.expect("a copy");
    writes.shutdown().await.expect("a shutdown");
}

async fn poll_in_place<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx))).await
}

async fn connected(
    version: Version,
) -> (client::TlsStream<TcpStream>, server::TlsStream<TcpStream>) {
    let setup = Setup::new(version);
    let (here, there) = tcp().await;
    let (client, server) = tokio::join!(
        connector(setup.client()).connect(localhost(), here),
        acceptor(setup.server()).accept(there)
    );
    let (mut client, mut server) = (client.expect("a handshake"), server.expect("a handshake"));
    send(&mut server, b"ready").await;
    assert_eq!(receive(&mut client, 5).await, b"ready");
    (client, server)
}

fn current_thread() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime")
}
