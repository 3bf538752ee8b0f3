//! The memory held by a connection that waits for a request.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::task::yield_now;

use super::KIB;
use super::meeting::meeting;
use super::run::runtime;
use crate::allocator::in_use;
use crate::peer::{Peer, Stream};
use crate::transport::{Listener, connected};

/// How many connections are measured together: the allocator retains some of the freed memory.
const CONNECTIONS: usize = 1000;

/// What each has sent before it waits.
const REQUEST: usize = 16 * KIB;

/// Memory that streams hold while their tasks wait for a request.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// A stream of the client.
    pub client: Held,
    /// A stream of the server.
    pub server: Held,
}

/// Memory that one stream holds, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// On the heap, with the stream itself boxed.
    pub heap: usize,
    /// The size of the stream, including its transport.
    pub size: usize,
}

/// Measures a stream of the client and one of the server, after each has echoed a request.
pub fn idle<P: Peer>(peer: &P) -> io::Result<Idle> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (ours, theirs) = meeting();
    thread::scope(|scope| {
        let server = scope.spawn(move || {
            runtime()?.block_on(async {
                let listener = Listener::from_std(listener)?;
                let streams = park(async || {
                    let mut stream = peer.accept(listener.accept().await?).await?;
                    answer(&mut stream).await.map(|()| stream)
                })
                .await?;
                theirs.meet()?;
                theirs.meet()?;
                io::Result::Ok(release(streams).await)
            })
        });
        let client = runtime()?.block_on(async {
            let streams = park(async || {
                let mut stream = peer.connect(connected(address).await?).await?;
                ask(&mut stream).await.map(|()| stream)
            })
            .await?;
            ours.meet()?;
            let held = release(streams).await;
            ours.meet()?;
            io::Result::Ok(held)
        })?;
        let server = server.join().expect("the server does not panic")?;
        Ok(Idle { client, server })
    })
}

/// Makes connections, each left with a task that waits for more data.
async fn park<S: Stream>(make: impl AsyncFn() -> io::Result<S>) -> io::Result<Vec<Box<S>>> {
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = Box::new(make().await?);
        wait(&mut stream)?;
        streams.push(stream);
    }
    Ok(streams)
}

/// Measures the memory of one of them as the memory freed by its drop, so shared memory does not
/// count.
async fn release<S: Stream>(mut streams: Vec<Box<S>>) -> Held {
    let count = streams.len();
    let before = in_use();
    streams.clear();
    // The runtime releases its memory for a socket when it next polls for events.
    yield_now().await;
    Held {
        heap: (before - in_use()) / count,
        size: size_of::<S>(),
    }
}

async fn ask<S: Stream>(stream: &mut S) -> io::Result<()> {
    let mut bytes = vec![7; REQUEST];
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    stream.read_exact(&mut bytes).await?;
    Ok(())
}

async fn answer<S: Stream>(stream: &mut S) -> io::Result<()> {
    let mut bytes = vec![0; REQUEST];
    stream.read_exact(&mut bytes).await?;
    stream.write_all(&bytes).await?;
    stream.flush().await
}

fn wait<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut room = [0; 64];
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(stream).poll_read(&mut context, &mut ReadBuf::new(&mut room)) {
        Poll::Pending => Ok(()),
        Poll::Ready(answer) => answer.and(Err(io::Error::other("unexpected data"))),
    }
}
