//! Owned halves: the reader never blocks on the lock of the writing side, and is woken after it
//! could not take it.

use std::future::poll_fn;
use std::pin::Pin;

use loom::future::block_on;
use loom::thread;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::check;
use crate::engine::InputBuffer;
use crate::stream::{Halves, ReadHalf, TlsStream, WriteHalf};
use crate::transport::{ANSWER, Plain, REQUEST, Wire};

type Reader = ReadHalf<Wire, Wire, Plain>;
type Writer = WriteHalf<Wire, Plain>;

/// Two halves, and the peer's end of the wire.
fn split() -> (Reader, Writer, Wire) {
    let wire = Wire::new();
    let stream = TlsStream::adopt(wire.clone(), Plain::default(), InputBuffer::default());
    let halves: Result<Halves<Wire, Wire, Plain>, _> =
        stream.into_split_with(|wire| (wire.clone(), wire));
    let Ok((reader, writer)) = halves else {
        unreachable!("there is no handshake");
    };
    (reader, writer, wire)
}

fn read(reader: &mut Reader) -> u8 {
    let mut byte = [0];
    let polls = poll_fn(|cx| Pin::new(&mut *reader).poll_read(cx, &mut ReadBuf::new(&mut byte)));
    block_on(polls).expect("a sound transport");
    byte[0]
}

fn write(writer: &mut Writer, byte: u8) {
    let polls = poll_fn(|cx| Pin::new(&mut *writer).poll_write(cx, &[byte]));
    assert_eq!(block_on(polls).expect("a sound transport"), 1);
}

fn flush(writer: &mut Writer) {
    block_on(poll_fn(|cx| Pin::new(&mut *writer).poll_flush(cx))).expect("a sound transport");
}

/// A response is sent, whether the writer is active, blocked, or done.
#[test]
fn a_response_is_sent_whatever_the_writer_does() {
    check(1, || {
        let (mut reader, mut writer, wire) = split();
        let peer = thread::spawn(move || {
            wire.deliver(&[REQUEST]);
            wire.make_room(2);
            block_on(poll_fn(|cx| wire.poll_received(cx, &[b'w', ANSWER])));
            wire.deliver(b"r");
        });
        let writer = thread::spawn(move || {
            write(&mut writer, b'w');
            flush(&mut writer);
            writer
        });
        assert_eq!(read(&mut reader), b'r');
        drop(writer.join().expect("no panic"));
        peer.join().expect("no panic");
    });
}

/// A writer leaves a byte unflushed, and the response that the reader waits for depends on it.
fn a_reader_sends_what_is_left_by(write: fn(Writer) -> Option<Writer>) {
    check(2, move || {
        let (mut reader, writer, wire) = split();
        let peer = thread::spawn(move || {
            wire.make_room(1);
            block_on(poll_fn(|cx| wire.poll_received(cx, b"w")));
            wire.deliver(b"r");
        });
        let writer = thread::spawn(move || write(writer));
        assert_eq!(read(&mut reader), b'r');
        drop(writer.join().expect("no panic"));
        peer.join().expect("no panic");
    });
}

#[test]
fn a_reader_sends_what_a_writer_leaves() {
    a_reader_sends_what_is_left_by(|mut writer| {
        write(&mut writer, b'w');
        Some(writer)
    });
}

#[test]
fn a_reader_sends_what_a_writer_that_is_dropped_leaves() {
    a_reader_sends_what_is_left_by(|mut writer| {
        write(&mut writer, b'w');
        None
    });
}

/// The reader replaces the writer's waker in the transport and is done; it is not polled any more.
#[test]
fn a_reader_that_stops_leaves_the_writer_to_be_woken() {
    check(2, || {
        let (mut reader, mut writer, wire) = split();
        let peer = thread::spawn(move || {
            wire.deliver(&[REQUEST, b'r']);
            wire.make_room(2);
        });
        let writer = thread::spawn(move || {
            write(&mut writer, b'w');
            write(&mut writer, b'x');
        });
        assert_eq!(read(&mut reader), b'r');
        writer.join().expect("no panic");
        peer.join().expect("no panic");
    });
}
