//! C callbacks as attempts, and as a Tokio transport.

use std::ffi::c_void;
use std::io::{self, IoSlice, Read, Write};
use std::ptr;

use pollback::callback::{Callback, CallbackIo, ReadinessHandle};
use pollback::ffi::CCallbacks;
use pollback::ffi::rustls_ffi::rustls_io_result;
use pollback::{Error, ErrorKind};
use pollback_testkit::executor::Executor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::script::{STORED, Scripted, Step, fails, moves};

/// Codes that do not cause a repetition: known ones, unknown ones, and others that the contract
/// does not forbid.
const CODES: [i32; 6] = [libc::EPIPE, libc::EIO, 4096, i32::MAX, -1, i32::MIN];

/// The three attempts, each with an offer of four bytes.
const ATTEMPTS: [fn(&mut CCallbacks) -> io::Result<usize>; 3] = [
    |callbacks| callbacks.read(&mut [0; 4]),
    |callbacks| callbacks.write(b"abcd"),
    |callbacks| callbacks.write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"bcd")]),
];

fn kind(answer: io::Result<usize>) -> Option<ErrorKind> {
    Error::find(&answer.expect_err("a failure")).map(|error| error.kind())
}

#[test]
fn a_count_is_the_number_of_bytes_moved() {
    for attempt in ATTEMPTS {
        let script = Scripted::new([moves(1), moves(4)]);
        let mut callbacks = script.callbacks();
        assert_eq!(attempt(&mut callbacks).unwrap(), 1);
        assert_eq!(attempt(&mut callbacks).unwrap(), 4);
        assert!(!script.saw_dirty_count());
    }
}

#[test]
fn bytes_are_passed_on_unchanged() {
    let script = Scripted::new([moves(3), moves(2), moves(3)]);
    let mut callbacks = script.callbacks();
    let mut room = [0; 5];
    assert_eq!(callbacks.read(&mut room).unwrap(), 3);
    assert_eq!(room, [STORED, STORED, STORED, 0, 0]);
    assert_eq!(callbacks.write(b"abc").unwrap(), 2);
    let slices = [IoSlice::new(b"de"), IoSlice::new(b"fg")];
    assert_eq!(callbacks.write_vectored(&slices).unwrap(), 3);
    assert_eq!(script.taken(), b"abdef");
}

#[test]
fn every_code_is_preserved_after_one_call() {
    for code in CODES {
        for attempt in ATTEMPTS {
            let script = Scripted::new([fails(code)]);
            let error = attempt(&mut script.callbacks()).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(code));
            assert_eq!(script.offers().len(), 1);
        }
    }
}

#[test]
fn the_count_of_a_failure_is_ignored() {
    for count in [1, 4, 5, usize::MAX] {
        for attempt in ATTEMPTS {
            let script = Scripted::new([Step {
                code: libc::ECONNRESET,
                count: Some(count),
            }]);
            let error = attempt(&mut script.callbacks()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
    }
}

#[test]
fn an_unset_count_is_zero() {
    for attempt in ATTEMPTS {
        let script = Scripted::new([moves(4), fails(0)]);
        let mut callbacks = script.callbacks();
        assert_eq!(attempt(&mut callbacks).unwrap(), 4);
        assert_eq!(attempt(&mut callbacks).unwrap(), 0);
    }
}

#[test]
fn more_than_was_offered_is_rejected() {
    for count in [5, usize::MAX] {
        for attempt in ATTEMPTS {
            let script = Scripted::new([moves(count)]);
            let answer = attempt(&mut script.callbacks());
            assert_eq!(kind(answer), Some(ErrorKind::OverReported));
        }
    }
}

#[test]
fn an_offer_of_nothing_makes_no_call() {
    let script = Scripted::new([]);
    let mut callbacks = script.callbacks();
    assert_eq!(callbacks.read(&mut []).unwrap(), 0);
    assert_eq!(callbacks.write(&[]).unwrap(), 0);
    assert_eq!(callbacks.write_vectored(&[]).unwrap(), 0);
    let empty = [IoSlice::new(&[]); 3];
    assert_eq!(callbacks.write_vectored(&empty).unwrap(), 0);
    assert!(script.offers().is_empty());
}

#[test]
fn a_null_callback_is_invalid() {
    // SAFETY: nothing can be called.
    let mut callbacks = unsafe { CCallbacks::new(None, None, ptr::null_mut()) };
    for attempt in ATTEMPTS {
        let error = attempt(&mut callbacks).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    }
}

#[test]
fn a_null_userdata_is_passed_on() {
    unsafe extern "C" fn is_null(
        userdata: *mut c_void,
        _: *mut u8,
        _: usize,
        _: *mut usize,
    ) -> rustls_io_result {
        rustls_io_result(if userdata.is_null() { 4096 } else { 4097 })
    }
    // SAFETY: the callback touches nothing.
    let mut callbacks = unsafe { CCallbacks::new(Some(is_null), None, ptr::null_mut()) };
    let error = callbacks.read(&mut [0]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(4096));
}

#[test]
fn without_a_vectored_callback_the_first_slice_with_bytes_is_offered() {
    let script = Scripted::new([moves(2)]);
    let mut callbacks = script.scalar_callbacks();
    assert!(!callbacks.has_write_vectored());
    let slices = [IoSlice::new(&[]), IoSlice::new(b"ab"), IoSlice::new(b"c")];
    assert_eq!(callbacks.write_vectored(&slices).unwrap(), 2);
    assert_eq!(script.offers(), [[2]]);
}

#[test]
fn slices_go_in_one_call_with_empty_ones_in_between() {
    let script = Scripted::new([moves(3)]);
    let mut callbacks = script.callbacks();
    assert!(callbacks.has_write_vectored());
    let slices = [
        IoSlice::new(&[]),
        IoSlice::new(b"ab"),
        IoSlice::new(&[]),
        IoSlice::new(b"c"),
    ];
    assert_eq!(callbacks.write_vectored(&slices).unwrap(), 3);
    assert_eq!(script.offers(), [[2, 0, 1]]);
}

#[test]
fn no_call_has_more_slices_than_systems_accept() {
    for count in [64, 1024, 3000] {
        let script = Scripted::new([moves(1)]);
        let mut slices = vec![IoSlice::new(&[]); 2000];
        slices.extend(vec![IoSlice::new(b"a"); count]);
        let mut callbacks = script.callbacks();
        assert_eq!(callbacks.write_vectored(&slices).unwrap(), 1);
        assert_eq!(script.offers()[0].len(), count.min(1024));
    }
}

#[test]
fn would_block_suspends_the_task_until_readiness_is_announced() {
    // Each result twice, since an attempt is repeated once the waker is registered.
    let blocked = fails(libc::EAGAIN);
    let script = Scripted::new([blocked, blocked, moves(2), blocked, blocked, moves(2)]);
    let (handle, readiness) = ReadinessHandle::new();
    let mut transport = CallbackIo::new(script.callbacks(), readiness);
    let mut executor = Executor::new();
    executor.spawn("reader, then writer", async {
        let mut room = [0; 2];
        transport.read_exact(&mut room).await.unwrap();
        transport.write_all(b"ab").await.unwrap();
    });
    assert!(!executor.run_until_stalled());
    handle.writable();
    assert!(!executor.run_until_stalled(), "woken without a reason");
    handle.readable();
    assert!(!executor.run_until_stalled());
    handle.writable();
    executor.run();
    assert_eq!(script.offers().len(), 6);
}

#[test]
fn interrupted_is_repeated_at_once() {
    let script = Scripted::new([fails(libc::EINTR), fails(libc::EINTR), moves(2)]);
    let (_handle, readiness) = ReadinessHandle::new();
    let mut transport = CallbackIo::new(script.callbacks(), readiness);
    let mut executor = Executor::new();
    executor.spawn("writer", async {
        transport.write_all(b"ab").await.unwrap();
    });
    executor.run();
    assert_eq!(script.offers().len(), 3);
}

#[test]
fn zero_bytes_read_is_the_end_and_zero_bytes_written_is_an_error() {
    let script = Scripted::new([moves(0), moves(0)]);
    let (_handle, readiness) = ReadinessHandle::new();
    let mut transport = CallbackIo::new(script.callbacks(), readiness);
    let mut executor = Executor::new();
    executor.spawn("reader, then writer", async {
        let mut received = Vec::new();
        assert_eq!(transport.read_to_end(&mut received).await.unwrap(), 0);
        let error = transport.write_all(b"ab").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    });
    executor.run();
}

#[test]
fn a_write_may_end_inside_a_slice_or_on_its_edge() {
    for (counts, offers) in [
        ([1, 2, 3], [vec![2, 1, 3], vec![1, 1, 3], vec![3]]),
        ([2, 1, 3], [vec![2, 1, 3], vec![1, 3], vec![3]]),
    ] {
        let script = Scripted::new(counts.map(moves));
        let (_handle, readiness) = ReadinessHandle::new();
        let mut transport = CallbackIo::new(script.callbacks(), readiness);
        let mut executor = Executor::new();
        executor.spawn("writer", async {
            let mut slices = [
                IoSlice::new(b"ab"),
                IoSlice::new(b"c"),
                IoSlice::new(b"def"),
            ];
            let mut rest = &mut slices[..];
            while !rest.is_empty() {
                let taken = transport.write_vectored(rest).await.unwrap();
                IoSlice::advance_slices(&mut rest, taken);
            }
        });
        executor.run();
        assert_eq!(script.taken(), b"abcdef");
        assert_eq!(script.offers(), offers);
    }
}
