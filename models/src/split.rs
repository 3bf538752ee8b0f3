//! Two tasks that share a stream, as the halves of `tokio::io::split` do: each poll holds a lock.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use loom::future::block_on;
use loom::sync::Mutex;
use loom::thread;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::check;
use crate::engine::InputBuffer;
use crate::stream::TlsStream;
use crate::transport::{ANSWER, Plain, REQUEST, Wire};

#[derive(Clone)]
struct Half(Arc<Mutex<TlsStream<Wire, Plain>>>);

/// Two halves, and the peer's end of the wire.
fn split() -> (Half, Half, Wire) {
    let wire = Wire::new();
    let stream = TlsStream::new(wire.clone(), Plain::default(), InputBuffer::default());
    let half = Half(Arc::new(Mutex::new(stream)));
    (half.clone(), half, wire)
}

impl Half {
    fn block_on<T>(
        &self,
        mut poll: impl FnMut(Pin<&mut TlsStream<Wire, Plain>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> T {
        let polls = poll_fn(|cx| poll(Pin::new(&mut *self.0.lock().expect("no panic")), cx));
        block_on(polls).expect("a sound transport")
    }

    fn read(&self) -> u8 {
        let mut byte = [0];
        self.block_on(|stream, cx| stream.poll_read(cx, &mut ReadBuf::new(&mut byte)));
        byte[0]
    }

    fn write(&self, byte: u8) {
        assert_eq!(
            self.block_on(|stream, cx| stream.poll_write(cx, &[byte])),
            1
        );
    }

    fn flush(&self) {
        self.block_on(|stream, cx| stream.poll_flush(cx));
    }
}

/// The reader, which responds to the peer, replaces the writer's waker in the transport.
#[test]
fn a_writer_is_woken_although_the_reader_writes_too() {
    check(2, || {
        let (reader, writer, wire) = split();
        let peer = thread::spawn(move || {
            wire.deliver(&[REQUEST]);
            wire.make_room(2);
            block_on(poll_fn(|cx| wire.poll_received(cx, &[b'w', ANSWER])));
            wire.deliver(b"r");
        });
        let writer = thread::spawn(move || {
            writer.write(b'w');
            writer.flush();
        });
        assert_eq!(reader.read(), b'r');
        writer.join().expect("no panic");
        peer.join().expect("no panic");
    });
}

/// A writer that is done leaves a byte unflushed; the response that the reader waits for depends on
/// it.
#[test]
fn a_reader_flushes_what_a_writer_leaves() {
    check(2, || {
        let (reader, writer, wire) = split();
        let peer = thread::spawn(move || {
            wire.make_room(1);
            block_on(poll_fn(|cx| wire.poll_received(cx, b"w")));
            wire.deliver(b"r");
        });
        let writer = thread::spawn(move || writer.write(b'w'));
        assert_eq!(reader.read(), b'r');
        writer.join().expect("no panic");
        peer.join().expect("no panic");
    });
}

/// The writer replaces the reader's waker, makes progress, and stops; the reader continues.
#[test]
fn a_writer_that_stops_leaves_the_rest_to_the_reader() {
    check(2, || {
        let (reader, writer, wire) = split();
        let peer = thread::spawn(move || {
            wire.deliver(&[REQUEST]);
            wire.make_room(1);
            wire.make_room(1);
            block_on(poll_fn(|cx| wire.poll_received(cx, &[b'w', ANSWER])));
            wire.deliver(b"r");
        });
        let writer = thread::spawn(move || writer.write(b'w'));
        assert_eq!(reader.read(), b'r');
        writer.join().expect("no panic");
        peer.join().expect("no panic");
    });
}

/// The reader replaces the writer's waker in the transport and is done; it is not polled any more.
#[test]
fn a_reader_that_stops_leaves_the_writer_to_be_woken() {
    check(2, || {
        let (reader, writer, wire) = split();
        let peer = thread::spawn(move || {
            wire.deliver(&[REQUEST, b'r']);
            wire.make_room(2);
        });
        let writer = thread::spawn(move || {
            writer.write(b'w');
            writer.write(b'x');
        });
        assert_eq!(reader.read(), b'r');
        writer.join().expect("no panic");
        peer.join().expect("no panic");
    });
}
