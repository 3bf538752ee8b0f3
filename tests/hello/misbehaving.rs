//! Transports and clients that misbehave.

use super::{WIDE, alert, configs, error_kind, first_bytes, setup};
use pollback::hello::{self, LIMIT};
use pollback::rustls::{self, AlertDescription, PeerIncompatible};
use pollback::{Error, ErrorKind};
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::hellos::{modern, of_length, old, records};
use pollback_testkit::pipe::{Answer, Operation, pipe};
use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// Replaces the buffer that it is to fill by its own.
#[derive(Debug)]
struct Swaps(usize);

impl AsyncRead for Swaps {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut other = ReadBuf::new(Box::leak(vec![22; self.0].into_boxed_slice()));
        other.set_filled(self.0);
        *buf = other;
        self.0 = 0;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_replaced_buffer_is_an_error() {
    for length in [1, 10_000] {
        let (_near, far) = pipe(WIDE);
        let io = far.control();
        let peek = hello::peek(tokio::io::join(Swaps(length), far));
        let error = executor::block_on(peek).expect_err("another buffer");
        assert_eq!(error_kind(&error), Some(ErrorKind::OverReported));
        assert!(io.written().is_empty());
    }
}

#[test]
fn an_error_that_registers_no_waker_is_reported() {
    let (_near, far) = pipe(WIDE);
    let would_block = Answer::Error(io::ErrorKind::WouldBlock);
    far.control().script(Operation::Read, [would_block]);
    let error = executor::block_on(hello::peek(far)).expect_err("no waker");
    assert_eq!(error_kind(&error), Some(ErrorKind::Unregistered));
    let source = Error::find(&error).expect("ours");
    assert!(source.source().is_some(), "the transport's own error");
}

#[test]
fn a_transport_that_fails_within_the_hello_can_continue() {
    let bytes = first_bytes(Version::Tls13);
    let (_near, far) = pipe(WIDE);
    let io = far.control();
    io.inject(&bytes[..100]);
    let mut peek = hello::peek(far);
    let mut executor = Executor::new();
    let look = executor.spawn("server", async move {
        let error = (&mut peek).await.expect_err("a reset");
        (error, peek.take_io())
    });
    assert!(!executor.run_until_stalled());
    let kinds = [io::ErrorKind::Interrupted, io::ErrorKind::ConnectionReset];
    io.script(Operation::Read, kinds.map(Answer::Error));
    io.inject(&bytes[100..]);
    executor.run();
    let (error, rewind) = look.take();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(io.written().is_empty());
    // Every byte that had arrived is still there.
    let mut all = vec![0; bytes.len()];
    executor::block_on(rewind.expect("it failed").read_exact(&mut all)).unwrap();
    assert_eq!(all, bytes);
}

#[test]
fn a_poll_is_bounded_over_a_transport_that_never_waits() {
    let (_near, far) = pipe(WIDE);
    let io = far.control();
    let interrupted = std::iter::repeat_n(Answer::Error(io::ErrorKind::Interrupted), 5000);
    io.script(Operation::Read, interrupted);
    let mut peek = hello::peek(far);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(Pin::new(&mut peek).poll(&mut cx).is_pending());
    assert!(io.counts().read.calls < 5000);
}

/// The result of the acceptor for a hello that could be parsed, and the bytes that the client
/// receives.
fn refused(bytes: &[u8]) -> (io::Error, Vec<u8>) {
    let (near, far) = pipe(WIDE);
    let io = far.control();
    io.inject(bytes);
    let (_, server) = configs(&setup(Version::Tls13));
    // The client waits for a response, and sends nothing more.
    let error = executor::block_on(async {
        let incoming = hello::peek(far).await.expect("a hello");
        incoming.accept(server).await.expect_err("refused")
    });
    drop(near);
    (error, io.written())
}

#[test]
fn the_acceptor_rejects_with_the_right_alert() {
    let (error, answer) = refused(&records(&old(0x0301, b"old.example"), 16_384));
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    let expected = PeerIncompatible::SignatureAlgorithmsExtensionRequired;
    assert_eq!(cause, Some(&rustls::Error::PeerIncompatible(expected)));
    assert_eq!(answer, alert(AlertDescription::HandshakeFailure));

    let (error, answer) = refused(&records(&modern(b"[a.b]"), 16_384));
    assert_eq!(error_kind(&error), Some(ErrorKind::Misbehaved));
    assert_eq!(answer, alert(AlertDescription::IllegalParameter));

    // A record that exceeds the limit, and messages that are too long for rustls.
    let too_long = of_length(20_000);
    let (error, answer) = refused(&records(&too_long, 20_004));
    assert_eq!(error_kind(&error), Some(ErrorKind::Misbehaved));
    assert_eq!(answer, alert(AlertDescription::DecodeError));
    for (length, size) in [
        (LIMIT, 16_384),
        (LIMIT - 1, 16_384),
        (20_000, 1),
        (20_000, 2),
    ] {
        let (error, answer) = refused(&records(&of_length(length), size));
        assert!(error_kind(&error).is_some(), "{length} {size}: {error:?}");
        assert_eq!(answer.len(), 7, "{length} {size}: an alert");
    }
}
