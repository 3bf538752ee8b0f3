//! Closures as attempts, checked against the table of the contract.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice, Read, Write};

use pollback::ErrorKind;
use pollback::callback::{Callback, Callbacks};

use crate::script::{Call, Script, closures, few_closures};
use crate::support::{OFFERED, Operation, assert_kind, private_error, slices, would_block};

/// The operations that have a closure of their own.
const WITH_CLOSURE: [Operation; 4] = [
    Operation::Read,
    Operation::Write,
    Operation::WriteVectored,
    Operation::Shutdown,
];

fn nothing_to_read(_: &mut [u8]) -> io::Result<usize> {
    Err(would_block())
}

fn nothing_taken(_: &[u8]) -> io::Result<usize> {
    Err(would_block())
}

#[test]
fn counts_are_returned_unchanged() {
    for operation in Operation::COUNTING {
        for count in 0..=OFFERED {
            let mut callbacks = closures(&Script::new([Ok(count)]));
            let answer = operation.attempt(&mut callbacks);
            assert_eq!(answer.unwrap(), count, "{operation:?}");
        }
    }
}

#[test]
fn callbacks_can_be_lent_and_boxed() {
    for has_write_vectored in [false, true] {
        let script = Script::new([Ok(0), Ok(0)]);
        let inner = || -> Box<dyn Callback> {
            match has_write_vectored {
                true => Box::new(closures(&script)),
                false => Box::new(few_closures(&script)),
            }
        };
        let mut boxed = inner();
        assert_eq!(boxed.has_write_vectored(), has_write_vectored);
        let lent = &mut &mut boxed;
        assert_eq!(Callback::has_write_vectored(lent), has_write_vectored);
        Callback::shutdown(lent).expect("a shutdown");
        let expected = if has_write_vectored {
            vec![Call::Shutdown]
        } else {
            vec![]
        };
        assert_eq!(script.calls(), expected);
    }
}

#[test]
fn a_read_uses_the_buffer_of_the_caller() {
    let script = Script::new([Ok(2)]);
    let mut buffer = *b"----";
    assert_eq!(closures(&script).read(&mut buffer[1..]).unwrap(), 2);
    assert_eq!(&buffer, b"-ab-");
    assert_eq!(script.calls(), [Call::Read(3)]);
}

#[test]
fn errors_are_returned_as_the_same_object() {
    let kinds = [
        io::ErrorKind::WouldBlock,
        io::ErrorKind::Interrupted,
        io::ErrorKind::ConnectionReset,
        io::ErrorKind::Other,
    ];
    for operation in WITH_CLOSURE {
        for kind in kinds {
            let (error, identity) = private_error(kind);
            let script = Script::new([Err(error)]);
            let error = operation.attempt(&mut closures(&script)).unwrap_err();
            assert_eq!(error.kind(), kind);
            identity.assert_is(&error);
            assert_eq!(script.calls().len(), 1, "{operation:?} of {kind:?}");
        }
    }
}

#[test]
fn system_error_codes_are_preserved() {
    for operation in WITH_CLOSURE {
        let script = Script::new([Err(io::Error::from_raw_os_error(12_345))]);
        let error = operation.attempt(&mut closures(&script)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(12_345), "{operation:?}");
    }
}

#[test]
fn more_than_was_offered_is_an_error() {
    for operation in Operation::COUNTING {
        for answered in [OFFERED + 1, usize::MAX] {
            let mut callbacks = closures(&Script::new([Ok(answered)]));
            let error = operation.attempt(&mut callbacks).unwrap_err();
            assert_kind(&error, ErrorKind::OverReported);
        }
    }
}

#[test]
fn the_error_states_the_reported_and_the_offered_count() {
    let mut callbacks = closures(&Script::new([Ok(77)]));
    let error = callbacks.write(b"abc").unwrap_err();
    let source = std::error::Error::source(&error).expect("a reason");
    let reason = source.to_string();
    assert!(reason.contains("77") && reason.contains('3'), "{reason}");
}

#[test]
fn a_vectored_write_is_one_call_with_every_slice_in_order() {
    let script = Script::new([Ok(4)]);
    let bufs: [&[u8]; 5] = [b"", b"ab", b"", b"c", b"def"];
    let taken = closures(&script).write_vectored(&slices(&bufs));
    assert_eq!(taken.unwrap(), 4);
    assert_eq!(script.calls(), [Call::write_vectored(&bufs)]);
}

#[test]
fn without_a_vectored_closure_the_first_slice_with_bytes_is_written() {
    let script = Script::new([Ok(2)]);
    let taken = few_closures(&script).write_vectored(&slices(&[b"", b"ab", b"cdef"]));
    assert_eq!(taken.unwrap(), 2);
    assert_eq!(script.calls(), [Call::write(b"ab")]);
}

#[test]
fn without_a_vectored_closure_the_result_is_checked_against_one_slice() {
    let script = Script::new([Ok(3)]);
    let taken = few_closures(&script).write_vectored(&slices(&[b"ab", b"cdef"]));
    assert_kind(&taken.unwrap_err(), ErrorKind::OverReported);
}

fn of_nothing(callbacks: &mut impl Callback) -> [io::Result<usize>; 4] {
    [
        callbacks.read(&mut []),
        callbacks.write(&[]),
        callbacks.write_vectored(&[]),
        callbacks.write_vectored(&slices(&[b"", b""])),
    ]
}

#[test]
fn an_empty_offer_returns_nothing() {
    let answers = || Script::new([Ok(0), Ok(0), Ok(0), Ok(0)]);
    let all = of_nothing(&mut closures(&answers()));
    let few = of_nothing(&mut few_closures(&answers()));
    for answer in all.into_iter().chain(few) {
        assert_eq!(answer.unwrap(), 0);
    }
}

#[test]
fn an_offer_of_nothing_can_be_over_reported() {
    let answers = || Script::new([Ok(1), Ok(1), Ok(1), Ok(1)]);
    let all = of_nothing(&mut closures(&answers()));
    let few = of_nothing(&mut few_closures(&answers()));
    for answer in all.into_iter().chain(few) {
        assert_kind(&answer.unwrap_err(), ErrorKind::OverReported);
    }
}

#[test]
fn whether_writes_are_vectored_is_reported_correctly() {
    let plain = || Callbacks::new(nothing_to_read, nothing_taken);
    let vectored = |bufs: &[IoSlice<'_>]| Ok(bufs.len());
    let shutdown = || Ok(());

    assert!(!plain().has_write_vectored());
    assert!(!plain().with_shutdown(shutdown).has_write_vectored());
    let with_vectored = plain().with_write_vectored(vectored);
    assert!(with_vectored.has_write_vectored());
    assert!(with_vectored.with_shutdown(shutdown).has_write_vectored());
    let with_shutdown = plain().with_shutdown(shutdown);
    let with_both = with_shutdown.with_write_vectored(vectored);
    assert!(with_both.has_write_vectored());
}

#[test]
fn the_order_in_which_closures_are_added_does_not_matter() {
    let closed = Cell::new(0);
    let mut callbacks = Callbacks::new(nothing_to_read, nothing_taken)
        .with_shutdown(|| {
            closed.set(closed.get() + 1);
            Ok(())
        })
        .with_write_vectored(|bufs: &[IoSlice<'_>]| Ok(bufs.len()));
    callbacks.shutdown().unwrap();
    assert_eq!(closed.get(), 1);
    assert_eq!(
        callbacks.write_vectored(&slices(&[b"ab", b"c"])).unwrap(),
        2
    );
}

#[test]
fn a_shutdown_without_a_closure_calls_nothing() {
    let script = Script::default();
    few_closures(&script).shutdown().unwrap();
    assert_eq!(script.calls(), []);
}

#[test]
fn a_shutdown_calls_its_closure_each_time() {
    let script = Script::new([Err(would_block()), Ok(0)]);
    let mut callbacks = closures(&script);
    let error = callbacks.shutdown().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    callbacks.shutdown().unwrap();
    assert_eq!(script.calls(), [Call::Shutdown, Call::Shutdown]);
}

#[test]
fn a_flush_calls_nothing() {
    let script = Script::default();
    closures(&script).flush().unwrap();
    few_closures(&script).flush().unwrap();
    assert_eq!(script.calls(), []);
}

#[test]
fn closures_can_borrow_and_be_called_many_times() {
    let sent = RefCell::new(Vec::new());
    let mut arriving = &b"hello"[..];
    let mut callbacks = Callbacks::new(
        |buf: &mut [u8]| arriving.read(buf),
        |buf: &[u8]| sent.borrow_mut().write(&buf[..1]),
    );
    let mut received = Vec::new();
    callbacks.read_to_end(&mut received).unwrap();
    callbacks.write_all(b"world").unwrap();
    assert_eq!(received, b"hello");
    assert_eq!(sent.into_inner(), b"world");
}

/// A loop that continues after an error skips nothing that the closure has not accepted.
#[test]
fn nothing_is_skipped_after_an_over_report() {
    let mut calls = 0;
    let mut taken = Vec::new();
    let mut callbacks = Callbacks::new(nothing_to_read, nothing_taken).with_write_vectored(
        |bufs: &[IoSlice<'_>]| {
            calls += 1;
            let offered: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
            if calls % 3 == 0 {
                return Ok(offered.len() + 1);
            }
            let (now, _) = offered.split_at(offered.len().min(2));
            taken.extend_from_slice(now);
            Ok(now.len())
        },
    );
    let bytes: Vec<u8> = (0..=255).collect();
    let (mut done, mut failures) = (0, 0);
    while done < bytes.len() {
        let (first, second) = bytes[done..].split_at((bytes.len() - done) / 2);
        match callbacks.write_vectored(&slices(&[first, second])) {
            Ok(now) => done += now,
            Err(error) => {
                assert_kind(&error, ErrorKind::OverReported);
                failures += 1;
            }
        }
    }
    assert_eq!(taken, bytes);
    assert!(failures > 0);
}
