//! Readiness from a file descriptor, with real sockets.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use pollback::callback::{Callback, CallbackIo, Callbacks, Descriptor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{LocalSet, spawn_local};

use crate::support::{Writes, would_block};

/// Runs a future, and what it spawns with `spawn_local`, on this thread.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_io().build().unwrap();
    LocalSet::new().block_on(&runtime, future)
}

pub(crate) fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_nonblocking(true).unwrap();
    (ours, theirs)
}

/// Three closures and a descriptor over one socket, whose writes are counted.
pub(crate) fn transport(
    socket: UnixStream,
    writes: &Arc<Writes>,
) -> CallbackIo<impl Callback + use<>, Descriptor<Arc<UnixStream>>> {
    let socket = Arc::new(socket);
    let [reading, writing, gathering] = std::array::from_fn(|_| Arc::clone(&socket));
    let [scalar, vectored] = [Arc::clone(writes), Arc::clone(writes)];
    let callbacks = Callbacks::new(
        move |buf: &mut [u8]| (&*reading).read(buf),
        move |buf: &[u8]| {
            scalar.note_scalar();
            (&*writing).write(buf)
        },
    )
    .with_write_vectored(move |bufs: &[IoSlice<'_>]| {
        vectored.note_vectored(bufs.len());
        (&*gathering).write_vectored(bufs)
    });
    CallbackIo::new(callbacks, Descriptor::new(socket).unwrap())
}

/// Counts the polls of a future.
async fn count_polls<F: Future>(future: F) -> (F::Output, usize) {
    let mut future = pin!(future);
    let mut polls = 0;
    let output = poll_fn(|cx| {
        polls += 1;
        future.as_mut().poll(cx)
    });
    (output.await, polls)
}

#[test]
fn a_reader_is_woken_by_what_arrives() {
    let (ours, theirs) = pair();
    run(async {
        let mut ours = transport(ours, &Arc::default());
        let reader = spawn_local(async move { ours.read_u8().await });
        // The reader finds nothing before there is something.
        tokio::task::yield_now().await;
        (&theirs).write_all(b"!").unwrap();
        assert_eq!(reader.await.unwrap().unwrap(), b'!');
    });
}

#[test]
fn a_full_socket_blocks_the_writer_until_there_is_room() {
    let (ours, theirs) = pair();
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    run(async {
        let mut ours = transport(ours, &Arc::default());
        let sent = bytes.clone();
        let writer = spawn_local(async move {
            let (result, polls) = count_polls(ours.write_all(&sent)).await;
            result.unwrap();
            polls
        });
        let mut theirs = tokio::net::UnixStream::from_std(theirs).unwrap();
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).await.unwrap();
        assert!(received == bytes, "the received bytes differ");
        assert!(writer.await.unwrap() > 1, "never blocked");
    });
}

#[test]
fn both_directions_wait_at_the_same_time() {
    let (ours, theirs) = pair();
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    run(async {
        let (mut reader, mut writer) = tokio::io::split(transport(ours, &Arc::default()));
        let (mut their_reader, mut their_writer) =
            tokio::io::split(transport(theirs, &Arc::default()));
        let echo = spawn_local(async move {
            let mut buffer = vec![0; 10_000];
            loop {
                match their_reader.read(&mut buffer).await.unwrap() {
                    0 => return,
                    read => their_writer.write_all(&buffer[..read]).await.unwrap(),
                }
            }
        });
        let sent = bytes.clone();
        let writer = spawn_local(async move {
            writer.write_all(&sent).await.unwrap();
            writer
        });
        let mut received = vec![0; bytes.len()];
        reader.read_exact(&mut received).await.unwrap();
        assert!(received == bytes, "the received bytes differ");
        // The end of stream for the echo.
        drop(reader.unsplit(writer.await.unwrap()));
        echo.await.unwrap();
    });
}

/// One that is woken at once would spin until something arrives.
#[test]
fn a_reader_of_a_socket_that_was_read_empty_sleeps() {
    let (ours, theirs) = pair();
    run(async {
        let mut ours = transport(ours, &Arc::default());
        let reader = spawn_local(async move {
            let first = ours.read_u8().await.unwrap();
            let (second, polls) = count_polls(ours.read_u8()).await;
            (first, second.unwrap(), polls)
        });
        tokio::task::yield_now().await;
        (&theirs).write_all(b"1").unwrap();
        // The reader reads it and waits for more; it has many turns in which to do nothing.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        (&theirs).write_all(b"2").unwrap();
        let (first, second, polls) = reader.await.unwrap();
        assert_eq!([first, second], *b"12");
        assert!(polls <= 4, "polled {polls} times");
    });
}

/// With edge-triggered readiness alone this reader would never be woken: nothing changes any more.
#[test]
fn a_callback_that_returns_would_block_too_often_is_called_again() {
    const WRONG_ANSWERS: usize = 100;
    let (ours, theirs) = pair();
    (&theirs).write_all(b"!").unwrap();
    run(async {
        let turns = Rc::new(Cell::new(0));
        let counted = Rc::clone(&turns);
        let other = spawn_local(poll_fn::<(), _>(move |cx| {
            counted.set(counted.get() + 1);
            cx.waker().wake_by_ref();
            Poll::Pending
        }));

        let socket = Arc::new(ours);
        let reading = Arc::clone(&socket);
        // The number of turns of the other task at each attempt.
        let seen = Rc::new(RefCell::new(Vec::new()));
        let noted = Rc::clone(&seen);
        let read = move |buf: &mut [u8]| {
            noted.borrow_mut().push(turns.get());
            match noted.borrow().len() {
                0..=WRONG_ANSWERS => Err(would_block()),
                _ => (&*reading).read(buf),
            }
        };
        let callbacks = Callbacks::new(read, |_: &[u8]| Ok(0));
        let mut io = CallbackIo::new(callbacks, Descriptor::new(socket).unwrap());
        let reader = spawn_local(async move { count_polls(io.read_u8()).await });
        let (answer, polls) = reader.await.unwrap();
        assert_eq!(answer.unwrap(), b'!');
        other.abort();

        let seen = seen.take();
        assert_eq!(seen.len(), WRONG_ANSWERS + 1, "one attempt for each result");
        assert_eq!(polls, seen.len(), "one attempt in each poll");
        let between = seen[WRONG_ANSWERS] - seen[0];
        assert!(
            between >= WRONG_ANSWERS / 2,
            "the other task had {between} turns"
        );
    });
}

#[test]
fn the_same_holds_for_a_writer() {
    let (ours, _theirs) = pair();
    run(async {
        let socket = Arc::new(ours);
        let writing = Arc::clone(&socket);
        let mut wrong_answers = 10;
        let write = move |buf: &[u8]| {
            if wrong_answers > 0 {
                wrong_answers -= 1;
                return Err(would_block());
            }
            (&*writing).write(buf)
        };
        let callbacks = Callbacks::new(|_: &mut [u8]| Ok(0), write);
        let mut io = CallbackIo::new(callbacks, Descriptor::new(socket).unwrap());
        let (answer, polls) = count_polls(io.write_all(b"!")).await;
        answer.unwrap();
        assert_eq!(polls, 11);
    });
}

#[test]
fn a_peer_that_closes_ends_the_stream_of_a_waiting_reader() {
    let (ours, theirs) = pair();
    run(async {
        let mut ours = transport(ours, &Arc::default());
        let reader = spawn_local(async move {
            let mut received = Vec::new();
            ours.read_to_end(&mut received).await.map(|_| received)
        });
        tokio::task::yield_now().await;
        (&theirs).write_all(b"last").unwrap();
        drop(theirs);
        assert_eq!(reader.await.unwrap().unwrap(), b"last");
    });
}

#[test]
fn a_peer_that_closes_fails_a_waiting_writer() {
    let (ours, theirs) = pair();
    run(async {
        let mut ours = transport(ours, &Arc::default());
        let writer = spawn_local(async move {
            let endless = vec![0; 1 << 16];
            loop {
                if let Err(error) = ours.write_all(&endless).await {
                    return error;
                }
            }
        });
        // The writer runs until the socket is full.
        tokio::task::yield_now().await;
        drop(theirs);
        let error = writer.await.unwrap();
        let bare = io::Error::from_raw_os_error(error.raw_os_error().expect("from the system"));
        assert_eq!(error.kind(), bare.kind());
        assert!(
            matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ),
            "{error}"
        );
    });
}

#[test]
fn the_descriptor_can_be_shared_owned_or_borrowed() {
    let (ours, _theirs) = pair();
    run(async {
        let shared = Arc::new(ours);
        let descriptor = Descriptor::new(Arc::clone(&shared)).unwrap();
        assert!(Arc::ptr_eq(descriptor.get_ref(), &shared));
        drop(descriptor);
        assert_eq!(Arc::strong_count(&shared), 1);

        // Watched a second time, after the first watch has ended.
        drop(Descriptor::new(shared.as_fd()).unwrap());
        let owned = OwnedFd::from(Arc::into_inner(shared).unwrap());
        drop(Descriptor::new(owned).unwrap());
    });
}
