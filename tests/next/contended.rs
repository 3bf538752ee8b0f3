//! A reading half that is polled while its writing half is busy.

use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use pollback::next::rustls::ServerSide;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{End, pipe};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::engine::{Setup, client};
use crate::support::{WIDE, handshake, receive, send};

type Reader = pollback::next::ReadHalf<tokio::io::ReadHalf<End>, Contended, ServerSide>;
type Writer = pollback::next::WriteHalf<Contended, ServerSide>;

/// Called in the middle of a write, which holds the writing half.
type Meanwhile = Box<dyn FnMut() + Send>;

/// The writing half of a transport.
struct Contended {
    io: tokio::io::WriteHalf<End>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

impl AsyncWrite for Contended {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let meanwhile = self.meanwhile.lock().expect("no panic").take();
        if let Some(mut meanwhile) = meanwhile {
            meanwhile();
        }
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A server in halves, whose next write polls the reader before it returns, and its client.
struct Contest {
    reader: Arc<Mutex<Reader>>,
    writer: Writer,
    wakes: Arc<Wakes>,
    client: client::TlsStream<End>,
}

impl Contest {
    fn new(panics: bool) -> Self {
        let setup = Setup::new(Version::Tls13);
        let (mut client, mut server) = handshake(setup.client(), setup.server(), pipe(WIDE));
        executor::join(send(&mut server, b"."), receive(&mut client, 1));
        let meanwhile = Arc::<Mutex<Option<Meanwhile>>>::default();
        let halves = server.into_split_with(|end| {
            let (reader, io) = tokio::io::split(end);
            let meanwhile = Arc::clone(&meanwhile);
            (reader, Contended { io, meanwhile })
        });
        let (reader, writer) = halves.expect("a handshake that is over");
        let (reader, wakes) = (Arc::new(Mutex::new(reader)), Arc::<Wakes>::default());
        let (of_reader, waker) = (Arc::clone(&reader), Waker::from(Arc::clone(&wakes)));
        *meanwhile.lock().expect("no panic") = Some(Box::new(move || {
            assert!(poll(&of_reader, &waker).is_pending());
            assert!(!panics, "a transport that panics");
        }));
        Self {
            reader,
            writer,
            wakes,
            client,
        }
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }

    /// Checks that the reader continues, although only the writer has woken it.
    fn receives(&mut self) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        assert!(poll(&self.reader, &waker).is_pending());
        executor::block_on(send(&mut self.client, b"hello"));
        let Poll::Ready(read) = poll(&self.reader, &waker) else {
            panic!("it has arrived");
        };
        assert_eq!(read.expect("a record"), b"hello");
    }
}

fn poll(reader: &Mutex<Reader>, waker: &Waker) -> Poll<io::Result<Vec<u8>>> {
    let mut room = [0; 8];
    let mut buf = ReadBuf::new(&mut room);
    let mut reader = reader.lock().expect("no panic");
    let polled = Pin::new(&mut *reader).poll_read(&mut Context::from_waker(waker), &mut buf);
    polled.map_ok(|()| buf.filled().to_vec())
}

#[test]
fn it_is_woken_once_when_the_writer_is_done() {
    let mut contest = Contest::new(false);
    executor::block_on(contest.writer.write_all(b"more")).expect("a wide pipe");
    assert_eq!(contest.wakes(), 1);
    contest.receives();
    // Now it waits for nothing.
    let before = contest.wakes();
    executor::block_on(contest.writer.write_all(b"more")).expect("a wide pipe");
    assert_eq!(contest.wakes(), before);
}

#[test]
fn it_continues_when_the_transport_of_the_writer_panics() {
    let mut contest = Contest::new(true);
    let write = AssertUnwindSafe(|| executor::block_on(contest.writer.write(b"more")));
    let panicked = catch_unwind(write).expect_err("a transport that panics");
    assert!(panicked.is::<String>() || panicked.is::<&str>());
    assert_eq!(contest.wakes(), 1);
    contest.receives();
    let error = executor::block_on(contest.writer.flush()).map_err(|error| error.kind());
    assert_ne!(error, Err(ErrorKind::WouldBlock));
}
