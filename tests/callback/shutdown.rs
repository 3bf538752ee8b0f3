//! The shutdown of a transport that is made of callbacks.

use std::io;
use std::task::Waker;

use pollback::ErrorKind;
use pollback::callback::{CallbackIo, Polled};
use pollback_testkit::executor::block_on;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::script::{Call, Own, Script, closures, few_closures};
use crate::support::{Operation, assert_kind, private_error, ready, would_block};

fn io(script: &Script) -> CallbackIo<Own, Polled> {
    CallbackIo::new(Own(script.clone()), Polled)
}

#[test]
fn a_shutdown_flushes_first() {
    let script = Script::new([Ok(0), Ok(0)]);
    block_on(io(&script).shutdown()).unwrap();
    assert_eq!(script.calls(), [Call::Flush, Call::Shutdown]);
}

#[test]
fn a_shutdown_waits_for_the_flush() {
    let script = Script::new([Err(would_block())]);
    let mut io = io(&script);
    let answer = Operation::Shutdown.poll(&mut io, Waker::noop());
    assert!(answer.is_pending());
    assert_eq!(script.calls(), [Call::Flush]);

    script.add(Ok(0));
    script.add(Err(would_block()));
    let answer = Operation::Shutdown.poll(&mut io, Waker::noop());
    assert!(answer.is_pending());
    assert_eq!(script.calls(), [Call::Flush, Call::Shutdown]);

    script.add(Ok(0));
    script.add(Ok(0));
    ready(Operation::Shutdown.poll(&mut io, Waker::noop())).unwrap();
    assert_eq!(script.calls().last(), Some(&Call::Shutdown));
}

#[test]
fn a_flush_that_fails_is_not_followed_by_a_shutdown() {
    let (error, identity) = private_error(io::ErrorKind::Other);
    let script = Script::new([Err(error)]);
    identity.assert_is(&block_on(io(&script).shutdown()).unwrap_err());
    assert_eq!(script.calls(), [Call::Flush]);
}

#[test]
fn a_write_after_the_shutdown_fails_and_calls_nothing() {
    let script = Script::new([Ok(0), Ok(0)]);
    let mut io = io(&script);
    block_on(io.shutdown()).unwrap();
    script.calls();
    for operation in [Operation::Write, Operation::WriteVectored] {
        let error = ready(operation.poll(&mut io, Waker::noop())).unwrap_err();
        assert_kind(&error, ErrorKind::Closed);
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
    assert_eq!(script.calls(), []);
}

#[test]
fn reads_continue_after_the_shutdown() {
    let script = Script::new([Ok(0), Ok(0), Ok(2), Ok(0)]);
    let mut io = io(&script);
    block_on(io.shutdown()).unwrap();
    let mut received = Vec::new();
    block_on(io.read_to_end(&mut received)).unwrap();
    assert_eq!(received, b"ab");
}

#[test]
fn a_second_shutdown_and_a_flush_after_it_do_no_harm() {
    let mut io = CallbackIo::new(few_closures(&Script::default()), Polled);
    block_on(io.shutdown()).unwrap();
    block_on(io.flush()).unwrap();
    block_on(io.shutdown()).unwrap();
}

#[test]
fn a_shutdown_without_a_closure_still_ends_writes() {
    let script = Script::default();
    let mut io = CallbackIo::new(few_closures(&script), Polled);
    block_on(io.shutdown()).unwrap();
    let error = block_on(io.write(b"abc")).unwrap_err();
    assert_kind(&error, ErrorKind::Closed);
    assert_eq!(script.calls(), []);
}

#[test]
fn the_closure_for_the_shutdown_is_called() {
    let script = Script::new([Ok(3), Ok(0)]);
    let mut io = CallbackIo::new(closures(&script), Polled);
    block_on(io.write_all(b"abc")).unwrap();
    block_on(io.shutdown()).unwrap();
    assert_eq!(script.calls(), [Call::write(b"abc"), Call::Shutdown]);
}
