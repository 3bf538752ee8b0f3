//! What a connection holds that waits for a request.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::KIB;
use super::run::runtime;
use crate::allocator::Heap;
use crate::peer::{Peer, Stream};
use crate::transport::{Listener, connected};

/// How many connections share what a thread keeps for all of them.
const CONNECTIONS: usize = 256;

/// What each had said before it waits.
const REQUEST: usize = 16 * KIB;

/// Bytes that streams hold while their tasks wait for a request.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// A stream of the client.
    pub client: Held,
    /// A stream of the server.
    pub server: Held,
}

/// Bytes that one stream holds.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// On the heap, where that can be seen, with the stream itself in a box.
    pub heap: Option<usize>,
    /// The size of the stream, with its transport in it.
    pub size: usize,
}

/// Measures a stream of the client and one of the server, after each has echoed a request.
pub fn idle<P: Peer>() -> io::Result<Idle> {
    let peer = P::default();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    // Nobody hangs up before the other has measured.
    let measured = Barrier::new(2);
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            runtime()?.block_on(async {
                let listener = Listener::from_std(listener)?;
                measure::<P, _>(&measured, async || {
                    let mut stream = peer.accept(listener.accept().await?).await?;
                    answer(&mut stream).await.map(|()| stream)
                })
                .await
            })
        });
        let client = runtime()?.block_on(measure::<P, _>(&measured, async || {
            let mut stream = peer.connect(connected(address).await?).await?;
            ask(&mut stream).await.map(|()| stream)
        }))?;
        let server = server.join().expect("the server does not panic")?;
        Ok(Idle { client, server })
    })
}

async fn measure<P: Peer, S: Stream>(
    measured: &Barrier,
    make: impl AsyncFn() -> io::Result<S>,
) -> io::Result<Held> {
    // What a thread keeps is there once and for all after the first.
    let _first = make().await?;
    let mut streams = Vec::with_capacity(CONNECTIONS);
    let before = Heap::now();
    for _ in 0..CONNECTIONS {
        let mut stream = Box::new(make().await?);
        wait(&mut stream)?;
        streams.push(stream);
    }
    let held = (Heap::now() - before).in_use;
    measured.wait();
    let each = usize::try_from(held).expect("they hold something") / CONNECTIONS;
    Ok(Held {
        heap: P::ALLOCATES_IN_RUST.then_some(each),
        size: size_of::<S>(),
    })
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

/// Leaves the stream as a task leaves it that waits for more.
fn wait<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut room = [0; 64];
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(stream).poll_read(&mut context, &mut ReadBuf::new(&mut room)) {
        Poll::Pending => Ok(()),
        Poll::Ready(answer) => answer.and(Err(io::Error::other("there should be nothing to read"))),
    }
}
