//! Attempts on a stream: they never wait, and take no wakeup from a task.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind as IoErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use pollback::callback::{CallbackIo, Callbacks, Direction, Readiness};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, End, Operation, pipe};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::engine::{Setup, TlsStream, client, server};
use crate::support::{
    Side, Talk, acceptor, connector, error_kind, for_each_shape, for_each_talk, handshake,
    localhost, pattern, poll_once, receive, send,
};
use pollback::ErrorKind;

fn try_read(stream: &mut TlsStream<End>, room: usize) -> io::Result<Vec<u8>> {
    let mut buf = vec![0; room];
    let length = stream.try_read(&mut buf)?;
    buf.truncate(length);
    Ok(buf)
}

async fn readable(stream: &mut TlsStream<End>) {
    stream.readable().await.expect("no error of its own");
}

async fn writable(stream: &mut TlsStream<End>) {
    stream.writable().await.expect("no error of its own");
}

fn would_block<T: std::fmt::Debug>(result: io::Result<T>) {
    let kind = result.expect_err("it would block").kind();
    assert_eq!(kind, IoErrorKind::WouldBlock);
}

#[test]
fn an_attempt_to_read_returns_available_data() {
    for_each_talk(|mut talk| {
        let subject = &mut talk.subject;
        would_block(try_read(subject, 10));
        assert!(poll_once(readable(subject)).is_pending());
        executor::block_on(send(&mut talk.peer, b"hello"));
        assert!(poll_once(readable(subject)).is_ready());
        assert_eq!(try_read(subject, 3).expect("bytes"), b"hel");
        assert_eq!(try_read(subject, 10).expect("bytes"), b"lo");
        would_block(try_read(subject, 10));
        executor::block_on(talk.peer.shutdown()).expect("a shutdown");
        assert!(poll_once(readable(subject)).is_ready());
        assert_eq!(try_read(subject, 10).expect("the end"), b"");
    });
}

#[test]
fn an_attempt_to_read_fills_a_buffer_of_bytes() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"hello"));
        let mut buf = BytesMut::with_capacity(64);
        let subject = &mut talk.subject;
        assert_eq!(subject.try_read_buf(&mut buf).expect("bytes"), 5);
        assert_eq!(buf, &b"hello"[..]);
        would_block(subject.try_read_buf(&mut buf));
    });
}

#[test]
fn attempts_to_write_fill_the_transport_and_then_would_block() {
    for version in pollback_testkit::configs::Version::ALL {
        for side in Side::BOTH {
            let Talk {
                mut subject,
                mut peer,
                ..
            } = side.talk(version, pipe(10_000));
            let bytes = pattern(400_000);
            let slices = [IoSlice::new(&bytes[..10]), IoSlice::new(&bytes[10..100])];
            let mut written = subject.try_write_vectored(&slices).expect("room");
            assert_eq!(written, 100);
            let mut read = Vec::new();
            while written < bytes.len() {
                match subject.try_write(&bytes[written..]) {
                    Ok(taken) => written += taken,
                    Err(error) => {
                        assert_eq!(error.kind(), IoErrorKind::WouldBlock);
                        assert!(poll_once(writable(&mut subject)).is_pending());
                        let ((), part) = executor::join(writable(&mut subject), async {
                            let mut part = vec![0; 100_000];
                            let mut length = 0;
                            while length < 65_000 {
                                length += peer.read(&mut part[length..]).await.expect("bytes");
                            }
                            part.truncate(length);
                            part
                        });
                        read.extend(part);
                    }
                }
            }
            let (flushed, rest) = executor::join(
                subject.flush(),
                receive(&mut peer, bytes.len() - read.len()),
            );
            flushed.expect("a flush");
            assert!([read, rest].concat() == bytes);
        }
    }
}

#[test]
fn readiness_is_for_the_given_interest() {
    use tokio::io::{Interest, Ready};

    let both = Interest::READABLE | Interest::WRITABLE;
    for_each_talk(|mut talk| {
        let subject = &mut talk.subject;
        let mut ready = |interest| {
            poll_once(subject.ready(interest)).map(|ready| ready.expect("no error of its own"))
        };
        assert_eq!(ready(Interest::READABLE), Poll::Pending);
        assert_eq!(ready(both), Poll::Ready(Ready::WRITABLE));
        executor::block_on(send(&mut talk.peer, b"x"));
        assert_eq!(ready(Interest::READABLE), Poll::Ready(Ready::READABLE));
        let all = Ready::READABLE | Ready::WRITABLE;
        assert_eq!(ready(both), Poll::Ready(all));
        // No task would ever be woken.
        let error = executor::block_on(subject.ready(Interest::ERROR)).expect_err("no such wait");
        assert_eq!(error.kind(), IoErrorKind::InvalidInput);
    });
}

#[test]
fn a_failure_while_waiting_for_readiness_is_returned_by_the_attempt() {
    for_each_talk(|mut talk| {
        drop(talk.peer);
        assert!(poll_once(readable(&mut talk.subject)).is_ready());
        let error = try_read(&mut talk.subject, 10).expect_err("truncated");
        assert_eq!(error_kind(&error), Some(ErrorKind::Truncated));
        let _ = talk.subject.try_write(b"x");
        assert!(poll_once(writable(&mut talk.subject)).is_ready());
        let error = talk.subject.try_write(b"x").expect_err("the peer is gone");
        assert_eq!(error.kind(), IoErrorKind::BrokenPipe);
    });
}

#[test]
fn a_single_failure_that_a_wait_has_met_is_returned_by_the_attempt() {
    for_each_talk(|mut talk| {
        let io = talk.subject_io;
        io.block(Operation::Write);
        talk.subject.try_write(b"first").expect("it is taken");
        io.unblock(Operation::Write);
        io.script(Operation::Write, [Answer::Error(IoErrorKind::TimedOut)]);
        assert!(poll_once(writable(&mut talk.subject)).is_ready());
        let error = talk.subject.try_write(b"second").expect_err("it failed");
        assert_eq!(error.kind(), IoErrorKind::TimedOut);
        executor::block_on(send(&mut talk.subject, b", third"));
        let received = executor::block_on(receive(&mut talk.peer, 12));
        assert_eq!(received, b"first, third");
    });
}

/// A connection that was taken out of a stream receives bytes as they arrive, and notices the end
/// first.
#[test]
fn the_reason_for_the_end_is_returned_by_the_attempt_after_a_wait() {
    for_each_talk(|talk| {
        let io = talk.subject_io;
        io.buffer(3000);
        let mut subject = talk.subject;
        executor::block_on(subject.write_all(b"question")).expect("room");
        let mut subject = match subject {
            TlsStream::Client(stream) => {
                TlsStream::from(client::TlsStream::from(stream.into_inner()))
            }
            TlsStream::Server(stream) => {
                TlsStream::from(server::TlsStream::from(stream.into_inner()))
            }
        };
        io.script(Operation::Flush, [Answer::Reset]);
        assert!(poll_once(readable(&mut subject)).is_pending());
        assert!(poll_once(readable(&mut subject)).is_ready());
        let error = try_read(&mut subject, 10).expect_err("reset");
        assert_eq!(error.kind(), IoErrorKind::ConnectionReset);
    });
}

#[test]
fn an_attempt_takes_no_wakeup_from_a_reading_task() {
    for_each_talk(|talk| {
        let subject = Rc::new(RefCell::new(talk.subject));
        let mut peer = talk.peer;
        let mut executor = Executor::new();
        let reader = Rc::clone(&subject);
        let reads = executor.spawn("reader", async move {
            let mut received = Vec::new();
            while received.len() < 6 {
                let mut room = [0; 16];
                let mut buf = ReadBuf::new(&mut room);
                poll_fn(|cx| Pin::new(&mut *reader.borrow_mut()).poll_read(cx, &mut buf))
                    .await
                    .expect("a read");
                received.extend_from_slice(buf.filled());
            }
            received
        });
        assert!(!executor.run_until_stalled());
        would_block(try_read(&mut subject.borrow_mut(), 10));
        assert_eq!(subject.borrow_mut().try_write(b"x").expect("room"), 1);
        executor::block_on(send(&mut peer, b"abc"));
        assert!(!executor.run_until_stalled());
        // This reads what the reader waits for, which then waits again.
        executor::block_on(send(&mut peer, b"stolen"));
        assert_eq!(
            try_read(&mut subject.borrow_mut(), 10).expect("bytes"),
            b"stolen"
        );
        assert!(!executor.run_until_stalled());
        executor::block_on(send(&mut peer, b"def"));
        executor.run();
        assert_eq!(reads.take(), b"abcdef");
    });
}

#[test]
fn an_attempt_takes_no_wakeup_from_a_writing_task() {
    for_each_talk(|talk| {
        let io = talk.subject_io.clone();
        let subject = Rc::new(RefCell::new(talk.subject));
        let mut peer = talk.peer;
        io.block(Operation::Write);
        let mut executor = Executor::new();
        let writer = Rc::clone(&subject);
        executor.spawn("writer", async move {
            let flush = |cx: &mut Context<'_>| {
                let mut stream = writer.borrow_mut();
                let _ = stream.try_write(b"waits");
                tokio::io::AsyncWrite::poll_flush(Pin::new(&mut *stream), cx)
            };
            poll_fn(flush).await.expect("a flush");
        });
        assert!(!executor.run_until_stalled());
        would_block(try_read(&mut subject.borrow_mut(), 10));
        let _ = subject.borrow_mut().try_write(b"more");
        io.unblock(Operation::Write);
        executor.run();
        let read = executor::block_on(receive(&mut peer, 5));
        assert_eq!(read, b"waits");
    });
}

/// A stream as a set of callbacks, and the readiness that wakes their task.
#[derive(Clone)]
struct Outer(Rc<RefCell<client::TlsStream<End>>>);

impl Outer {
    fn transport(stream: client::TlsStream<End>) -> impl AsyncRead + tokio::io::AsyncWrite + Unpin {
        let outer = Self(Rc::new(RefCell::new(stream)));
        let (read, write, vectored) = (outer.clone(), outer.clone(), outer.clone());
        let callbacks = Callbacks::new(
            move |buf: &mut [u8]| read.0.borrow_mut().try_read(buf),
            move |buf: &[u8]| write.0.borrow_mut().try_write(buf),
        )
        .with_write_vectored(move |bufs: &[IoSlice<'_>]| {
            vectored.0.borrow_mut().try_write_vectored(bufs)
        });
        CallbackIo::new(callbacks, outer)
    }
}

impl Readiness for Outer {
    fn poll_blocked(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = self.0.borrow_mut();
        match direction {
            Direction::Read => stream.poll_read_ready(cx),
            Direction::Write => stream.poll_write_ready(cx),
        }
    }
}

#[test]
fn a_stream_can_be_the_callbacks_of_another_one() {
    for_each_shape(|version, shape| {
        let setup = Setup::new(version);
        let (outer, far) = handshake(setup.client(), setup.server(), shape.open());
        let bytes = pattern(17_000);
        let client = async {
            let transport = Outer::transport(outer);
            let connected = connector(setup.client())
                .connect(localhost(), transport)
                .await;
            let mut inner = connected.expect("the client connects");
            inner.write_all(&bytes).await.expect("a write");
            receive(&mut inner, bytes.len()).await
        };
        let server = async {
            let accepted = acceptor(setup.server()).accept(far).await;
            let mut inner = accepted.expect("the server accepts");
            let received = receive(&mut inner, bytes.len()).await;
            send(&mut inner, &received).await;
            inner
        };
        assert!(executor::join(client, server).0 == bytes);
    });
}
