//! From attempt to poll, checked against the table of the contract.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pollback::ErrorKind;
use pollback::callback::{Callback, CallbackIo, Callbacks, Direction, Polled, Readiness};
use pollback_testkit::executor::block_on;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::retries::Always;
use crate::script::{Call, Own, Script, closures, few_closures};
use crate::support::{OFFERED, Operation, assert_kind, private_error, ready, slices};

pub(crate) fn io(script: &Script) -> CallbackIo<Own, Polled> {
    CallbackIo::new(Own(script.clone()), Polled)
}

/// The result of one poll that must not be `Pending`.
#[track_caller]
pub(crate) fn answer<C: Callback, R: Readiness>(
    operation: Operation,
    io: &mut CallbackIo<C, R>,
) -> io::Result<usize> {
    ready(operation.poll(io, Waker::noop()))
}

/// Results for an operation, including the flush before a shutdown.
pub(crate) fn script_for(operation: Operation, answers: Vec<io::Result<usize>>) -> Script {
    let flush = (operation == Operation::Shutdown).then_some(Ok(0));
    Script::new(flush.into_iter().chain(answers))
}

#[test]
fn counts_are_returned_unchanged() {
    for operation in Operation::COUNTING {
        for count in 0..=OFFERED {
            let mut io = io(&Script::new([Ok(count)]));
            assert_eq!(answer(operation, &mut io).unwrap(), count, "{operation:?}");
        }
    }
}

#[test]
fn a_read_appends_to_the_filled_part() {
    let script = Script::new([Ok(2)]);
    let mut buffer = *b"------";
    let mut buf = ReadBuf::new(&mut buffer);
    buf.put_slice(b"xy");
    let mut cx = Context::from_waker(Waker::noop());
    ready(Pin::new(&mut io(&script)).poll_read(&mut cx, &mut buf)).unwrap();
    assert_eq!(buf.filled(), b"xyab");
    assert_eq!(&buffer, b"xyab--");
    assert_eq!(script.calls(), [Call::Read(4)]);
}

#[test]
fn errors_are_returned_as_the_same_object() {
    for operation in Operation::ALL {
        let (error, identity) = private_error(io::ErrorKind::ConnectionReset);
        let mut io = io(&script_for(operation, vec![Err(error)]));
        let error = answer(operation, &mut io).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        identity.assert_is(&error);
    }
}

#[test]
fn system_error_codes_are_preserved() {
    for operation in Operation::ALL {
        let error = io::Error::from_raw_os_error(12_345);
        let mut io = io(&script_for(operation, vec![Err(error)]));
        let error = answer(operation, &mut io).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(12_345), "{operation:?}");
    }
}

#[test]
fn more_than_was_offered_is_an_error() {
    for operation in Operation::COUNTING {
        for answered in [OFFERED + 1, usize::MAX] {
            let mut io = io(&Script::new([Ok(answered)]));
            let error = answer(operation, &mut io).unwrap_err();
            assert_kind(&error, ErrorKind::OverReported);
        }
    }
}

#[test]
fn an_over_reported_read_leaves_the_buffer_where_it_was() {
    let script = Script::new([Ok(5), Ok(1)]);
    let mut io = io(&script);
    let mut buffer = *b"------";
    let mut buf = ReadBuf::new(&mut buffer[..4]);
    let mut cx = Context::from_waker(Waker::noop());
    let error = ready(Pin::new(&mut io).poll_read(&mut cx, &mut buf)).unwrap_err();
    assert_kind(&error, ErrorKind::OverReported);
    assert_eq!(buf.filled(), b"");
    ready(Pin::new(&mut io).poll_read(&mut cx, &mut buf)).unwrap();
    assert_eq!(buf.filled(), b"a");
    assert_eq!(&buffer[4..], b"--");
    assert_eq!(script.calls(), [Call::Read(4), Call::Read(4)]);
}

#[test]
fn a_vectored_write_is_one_call_with_every_slice_in_order() {
    let bufs: [&[u8]; 5] = [b"", b"ab", b"", b"c", b"def"];
    let script = Script::new([Ok(4)]);
    let mut io = CallbackIo::new(closures(&script), Polled);
    assert!(io.is_write_vectored());
    let taken = block_on(io.write_vectored(&slices(&bufs)));
    assert_eq!(taken.unwrap(), 4);
    assert_eq!(script.calls(), [Call::write_vectored(&bufs)]);
}

#[test]
fn without_vectored_writes_the_first_slice_with_bytes_is_written() {
    let script = Script::new([Ok(2), Ok(3)]);
    let mut io = CallbackIo::new(few_closures(&script), Polled);
    assert!(!io.is_write_vectored());
    let bufs = slices(&[b"", b"ab", b"cdef"]);
    assert_eq!(block_on(io.write_vectored(&bufs)).unwrap(), 2);
    assert_eq!(script.calls(), [Call::write(b"ab")]);
    let error = block_on(io.write_vectored(&bufs)).unwrap_err();
    assert_kind(&error, ErrorKind::OverReported);
}

/// A callback that implements only the required methods.
struct Least(usize);

impl io::Read for Least {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }
}

impl Write for Least {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len() + self.0)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Callback for Least {}

#[test]
fn a_custom_callback_without_vectored_writes_is_checked_against_one_slice() {
    let bufs = slices(&[b"", b"ab", b"cdef"]);
    let mut io = CallbackIo::new(Least(0), Polled);
    assert!(!io.is_write_vectored());
    assert_eq!(block_on(io.write_vectored(&bufs)).unwrap(), 2);
    *io.get_mut() = Least(1);
    let error = block_on(io.write_vectored(&bufs)).unwrap_err();
    assert_kind(&error, ErrorKind::OverReported);
}

#[test]
fn a_read_of_zero_bytes_is_the_end_of_the_stream() {
    let mut received = Vec::new();
    let mut io = io(&Script::new([Ok(3), Ok(2), Ok(0)]));
    assert_eq!(block_on(io.read_to_end(&mut received)).unwrap(), 5);
    assert_eq!(received, b"abcab");
}

#[test]
fn a_write_of_zero_bytes_is_returned_to_the_writer() {
    let mut io = io(&Script::new([Ok(1), Ok(0)]));
    let error = block_on(io.write_all(b"abc")).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn a_read_without_room_calls_nothing() {
    let script = Script::default();
    assert_eq!(block_on(io(&script).read(&mut [])).unwrap(), 0);
    assert_eq!(script.calls(), []);
}

#[test]
fn a_write_without_bytes_can_be_over_reported() {
    let mut io = io(&Script::new([Ok(0), Ok(1), Ok(1)]));
    assert_eq!(block_on(io.write(&[])).unwrap(), 0);
    let error = block_on(io.write(&[])).unwrap_err();
    assert_kind(&error, ErrorKind::OverReported);
    let error = block_on(io.write_vectored(&slices(&[b""]))).unwrap_err();
    assert_kind(&error, ErrorKind::OverReported);
}

#[test]
fn flush_reaches_the_callback() {
    let script = Script::new([Ok(0)]);
    block_on(io(&script).flush()).unwrap();
    assert_eq!(script.calls(), [Call::Flush]);
}

#[test]
fn a_panic_in_a_callback_leaves_the_transport_usable() {
    let mut calls = 0;
    let write = |buf: &[u8]| {
        calls += 1;
        assert_ne!(calls, 2, "panics once");
        Ok(buf.len())
    };
    let mut io = CallbackIo::new(Callbacks::new(|_: &mut [u8]| Ok(0), write), Polled);
    answer(Operation::Write, &mut io).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| answer(Operation::Write, &mut io)));
    let message = panicked.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("panics once"), "{message}");
    assert_eq!(answer(Operation::Write, &mut io).unwrap(), OFFERED);
    assert_eq!(answer(Operation::Read, &mut io).unwrap(), 0);
    assert_eq!(calls, 3);
}

#[test]
fn into_parts_returns_the_callback_and_the_readiness() {
    let script = Script::new([Ok(1)]);
    let always = Always(vec![Direction::Write], || Poll::Pending);
    let mut io = CallbackIo::new(Own(Script::default()), always);
    *io.get_mut() = Own(script.clone());
    assert_eq!(io.get_ref().0.calls(), []);
    answer(Operation::Write, &mut io).unwrap();
    let (callback, readiness) = io.into_parts();
    assert_eq!(callback.0.calls(), [Call::write(b"abc")]);
    assert_eq!(readiness.0, [Direction::Write]);
}
