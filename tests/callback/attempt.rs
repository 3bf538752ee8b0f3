//! From poll to attempt, checked against the table of the contract.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pollback::ErrorKind;
use pollback::callback::{Attempt, Callback};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::script::{Call, Script, Transport};
use crate::support::{
    OFFERED, Operation, WakeCount, assert_kind, assert_unregistered, private_error, slices,
};

/// Runs `test` on an attempt at `transport` whose waker does nothing.
fn attempt<T, O>(mut transport: T, test: impl FnOnce(&mut Attempt<'_, '_, T>) -> O) -> O
where
    T: Unpin,
{
    let mut cx = Context::from_waker(Waker::noop());
    test(&mut Attempt::new(Pin::new(&mut transport), &mut cx))
}

fn answer(operation: Operation, script: &Script) -> io::Result<usize> {
    attempt(Transport::new(script), |attempt| operation.attempt(attempt))
}

#[test]
fn pending_is_would_block_and_the_waker_is_registered() {
    for operation in Operation::ALL {
        let script = Script::pending();
        let (wakes, waker) = WakeCount::new();
        let mut transport = Transport::new(&script);
        let mut cx = Context::from_waker(&waker);
        let mut attempt = Attempt::new(Pin::new(&mut transport), &mut cx);

        let error = operation.attempt(&mut attempt).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{operation:?}");
        assert_eq!(script.calls().len(), 1, "{operation:?}");
        assert_eq!(wakes.get(), 0, "{operation:?}");
        script.wake();
        assert_eq!(wakes.get(), 1, "{operation:?}");
    }
}

#[test]
fn counts_are_returned_unchanged() {
    for operation in Operation::COUNTING {
        for count in 0..=OFFERED {
            let script = Script::new([Ok(count)]);
            assert_eq!(answer(operation, &script).unwrap(), count, "{operation:?}");
        }
    }
}

#[test]
fn a_read_stores_bytes_only_in_the_offered_buffer() {
    let script = Script::new([Ok(2)]);
    let mut buffer = *b"----";
    let stored = attempt(Transport::new(&script), |a| a.read(&mut buffer[1..]));
    assert_eq!(stored.unwrap(), 2);
    assert_eq!(&buffer, b"-ab-");
    assert_eq!(script.calls(), [Call::Read(3)]);
}

#[test]
fn errors_are_returned_as_the_same_object() {
    for operation in Operation::ALL {
        for kind in [io::ErrorKind::Other, io::ErrorKind::ConnectionReset] {
            let (error, identity) = private_error(kind);
            let error = answer(operation, &Script::new([Err(error)])).unwrap_err();
            assert_eq!(error.kind(), kind);
            identity.assert_is(&error);
        }
    }
}

#[test]
fn system_error_codes_are_preserved() {
    // No system knows the last one.
    for code in [1, 104, 12_345] {
        for operation in Operation::ALL {
            let script = Script::new([Err(io::Error::from_raw_os_error(code))]);
            let error = answer(operation, &script).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(code), "{operation:?}");
        }
    }
}

#[test]
fn interrupted_is_left_to_the_driver() {
    for operation in Operation::ALL {
        let (error, identity) = private_error(io::ErrorKind::Interrupted);
        let script = Script::new([Err(error)]);
        let error = answer(operation, &script).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        identity.assert_is(&error);
        assert_eq!(script.calls().len(), 1);
    }
}

#[test]
fn would_block_from_a_transport_is_an_error() {
    for operation in Operation::ALL {
        let (error, identity) = private_error(io::ErrorKind::WouldBlock);
        let error = answer(operation, &Script::new([Err(error)])).unwrap_err();
        assert_unregistered(&error, &identity);
    }
}

#[test]
fn more_than_was_offered_is_an_error() {
    for operation in Operation::COUNTING {
        for excess in [1, 1000] {
            let script = Script::new([Ok(OFFERED + excess)]);
            let error = answer(operation, &script).unwrap_err();
            assert_kind(&error, ErrorKind::OverReported);
        }
    }
    let script = Script::new([Ok(usize::MAX)]);
    let error = answer(Operation::Write, &script).unwrap_err();
    assert_kind(&error, ErrorKind::OverReported);
}

#[test]
fn an_over_reported_read_touches_nothing() {
    let script = Script::new([Ok(5)]);
    let mut buffer = *b"------";
    let answer = attempt(Transport::new(&script), |a| a.read(&mut buffer[1..5]));
    assert_kind(&answer.unwrap_err(), ErrorKind::OverReported);
    assert_eq!(&buffer, b"------");
}

/// Stores its bytes in a buffer of its own, which is as large as the offered one.
struct Swapping;

impl AsyncRead for Swapping {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = buf.remaining();
        *buf = ReadBuf::new(vec![b'!'; length].leak());
        buf.advance(length);
        Poll::Ready(Ok(()))
    }
}

#[test]
fn bytes_that_went_to_another_buffer_are_not_counted_as_stored() {
    let mut buffer = *b"----";
    match attempt(Swapping, |a| a.read(&mut buffer)) {
        Ok(stored) => assert_eq!(buffer[..stored], b"!!!!"[..stored]),
        Err(error) => assert_ne!(error.kind(), io::ErrorKind::WouldBlock),
    }
}

#[test]
fn a_vectored_write_is_one_call_with_every_slice_in_order() {
    let script = Script::new([Ok(4)]);
    let bufs: [&[u8]; 5] = [b"", b"ab", b"", b"c", b"def"];
    let taken = attempt(Transport::new(&script), |a| {
        assert!(a.has_write_vectored());
        a.write_vectored(&slices(&bufs))
    });
    assert_eq!(taken.unwrap(), 4);
    assert_eq!(script.calls(), [Call::write_vectored(&bufs)]);
}

#[test]
fn without_vectored_writes_the_first_slice_with_bytes_is_offered() {
    let script = Script::new([Ok(2)]);
    let taken = attempt(Transport::scalar(&script), |a| {
        assert!(!a.has_write_vectored());
        a.write_vectored(&slices(&[b"", b"ab", b"cdef"]))
    });
    assert_eq!(taken.unwrap(), 2);
    assert_eq!(script.calls(), [Call::write(b"ab")]);
}

#[test]
fn without_vectored_writes_the_result_is_checked_against_one_slice() {
    let script = Script::new([Ok(3)]);
    let taken = attempt(Transport::scalar(&script), |a| {
        a.write_vectored(&slices(&[b"ab", b"cdef"]))
    });
    assert_kind(&taken.unwrap_err(), ErrorKind::OverReported);
}

#[test]
fn an_empty_offer_returns_nothing() {
    for transport in [Transport::new, Transport::scalar] {
        let script = Script::new([Ok(0), Ok(0), Ok(0), Ok(0)]);
        attempt(transport(&script), |a| {
            assert_eq!(a.read(&mut []).unwrap(), 0);
            assert_eq!(a.write(&[]).unwrap(), 0);
            assert_eq!(a.write_vectored(&[]).unwrap(), 0);
            assert_eq!(a.write_vectored(&slices(&[b"", b""])).unwrap(), 0);
        });
    }
}

#[test]
fn an_offer_of_nothing_can_be_over_reported() {
    for transport in [Transport::new, Transport::scalar] {
        let script = Script::new([Ok(1), Ok(1), Ok(1), Ok(1)]);
        attempt(transport(&script), |a| {
            let answers = [
                a.read(&mut []),
                a.write(&[]),
                a.write_vectored(&[]),
                a.write_vectored(&slices(&[b"", b""])),
            ];
            for answer in answers {
                assert_kind(&answer.unwrap_err(), ErrorKind::OverReported);
            }
        });
    }
}

#[test]
fn flush_and_shutdown_reach_the_transport() {
    let script = Script::new([Ok(0), Ok(0)]);
    attempt(Transport::new(&script), |a| {
        a.flush().unwrap();
        a.shutdown().unwrap();
    });
    assert_eq!(script.calls(), [Call::Flush, Call::Shutdown]);
}

#[test]
fn several_attempts_can_be_made_in_one_poll() {
    let script = Script::new([Ok(1), Ok(3), Ok(0)]);
    attempt(Transport::new(&script), |a| {
        assert_eq!(Operation::Read.attempt(a).unwrap(), 1);
        assert_eq!(Operation::Write.attempt(a).unwrap(), 3);
        assert_eq!(Operation::Read.attempt(a).unwrap(), 0);
    });
    let calls = [Call::Read(3), Call::write(b"abc"), Call::Read(3)];
    assert_eq!(script.calls(), calls);
}

#[test]
fn one_direction_is_enough() {
    let mut word = [0; 2];
    assert_eq!(attempt(&b"hi"[..], |a| a.read(&mut word)).unwrap(), 2);
    assert_eq!(&word, b"hi");

    let mut sink = Vec::new();
    attempt(&mut sink, |a| a.write_all(b"ho")).unwrap();
    assert_eq!(sink, b"ho");
}

#[test]
fn the_type_of_the_transport_need_not_be_known() {
    trait Duplex: AsyncRead + AsyncWrite {}
    impl Duplex for Transport {}

    let script = Script::new([Ok(3)]);
    let mut transport: Pin<Box<dyn Duplex>> = Box::pin(Transport::new(&script));
    let mut cx = Context::from_waker(Waker::noop());
    let mut attempt = Attempt::new(transport.as_mut(), &mut cx);
    assert_eq!(Operation::WriteVectored.attempt(&mut attempt).unwrap(), 3);
    assert_eq!(script.calls(), [Call::write_vectored(&[b"a", b"bc"])]);
}
