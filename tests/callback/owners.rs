//! The owners of a readiness: their drop is noticed, and wakers may own them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use pollback::ErrorKind;
use pollback::callback::{CallbackIo, Callbacks, Direction, Readiness, ReadinessHandle, Signalled};

use crate::readiness::{OPERATIONS, announce, blocked, io};
use crate::script::{Own, Script};
use crate::support::{Operation, WakeCount, assert_kind, ready, would_block};

#[test]
fn a_waiting_task_fails_when_the_last_owner_is_dropped() {
    for (operation, _) in OPERATIONS {
        let (handle, readiness) = ReadinessHandle::new();
        let script = Script::new(blocked());
        let mut io = io(&script, readiness);
        let (wakes, waker) = WakeCount::new();
        assert!(operation.poll(&mut io, &waker).is_pending());
        let clone = handle.clone();
        drop(handle);
        assert_eq!(wakes.get(), 0, "one owner is left");
        drop(clone);
        assert_eq!(wakes.get(), 1, "{operation:?}");
        assert_abandoned(operation, &mut io, &script);
    }
}

#[test]
fn both_directions_fail_when_the_last_owner_is_dropped() {
    let (handle, readiness) = ReadinessHandle::new();
    let script = Script::new(blocked().into_iter().chain(blocked()));
    let mut io = io(&script, readiness);
    let (reads, reader) = WakeCount::new();
    let (writes, writer) = WakeCount::new();
    assert!(Operation::Read.poll(&mut io, &reader).is_pending());
    assert!(Operation::Write.poll(&mut io, &writer).is_pending());
    drop(handle);
    assert_eq!((reads.get(), writes.get()), (1, 1));
    assert_abandoned(Operation::Read, &mut io, &script);
    assert_abandoned(Operation::Write, &mut io, &script);
}

#[test]
fn a_blocked_attempt_fails_without_an_owner() {
    for (operation, _) in OPERATIONS {
        let (handle, readiness) = ReadinessHandle::new();
        drop(handle);
        let script = Script::default();
        let mut io = io(&script, readiness);
        assert_abandoned(operation, &mut io, &script);
    }
}

#[test]
fn attempts_that_do_not_block_need_no_owner() {
    let (handle, readiness) = ReadinessHandle::new();
    drop(handle);
    let script = Script::new([Ok(2)]);
    let answer = Operation::Read.poll(&mut io(&script, readiness), Waker::noop());
    assert_eq!(ready(answer).unwrap(), 2);
}

/// Checks that it fails, however often it is tried.
#[track_caller]
fn assert_abandoned(operation: Operation, io: &mut CallbackIo<Own, Signalled>, script: &Script) {
    for _ in 0..2 {
        blocked().into_iter().for_each(|answer| script.add(answer));
        let error = ready(operation.poll(io, Waker::noop())).unwrap_err();
        assert_kind(&error, ErrorKind::Abandoned);
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}

/// The owner is dropped while the reader is between its attempt and the registration.
#[test]
fn what_arrived_before_the_last_owner_left_is_still_read() {
    let (handle, readiness) = ReadinessHandle::new();
    let mut owner = Some(handle);
    let read = |_: &mut [u8]| match owner.take() {
        Some(handle) => {
            // Empty when it was checked; filled before the result is returned.
            handle.readable();
            Err(would_block())
        }
        None => Ok(1),
    };
    let mut io = CallbackIo::new(Callbacks::new(read, |_: &[u8]| Ok(0)), readiness);
    let answer = ready(Operation::Read.poll(&mut io, Waker::noop()));
    assert_eq!(answer.unwrap(), 1);
}

/// A task that owns a handle: both are dropped with the last waker.
struct Owner {
    _handle: ReadinessHandle,
}

impl Owner {
    fn waker(handle: &ReadinessHandle) -> Waker {
        Waker::from(Arc::new(Self {
            _handle: handle.clone(),
        }))
    }
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

/// A deadlock would make the test hang.
#[test]
fn a_waker_may_drop_a_handle_when_it_is_replaced() {
    let (handle, mut readiness) = ReadinessHandle::new();
    for direction in [Direction::Read, Direction::Write] {
        for _ in 0..2 {
            let waker = Owner::waker(&handle);
            let mut cx = Context::from_waker(&waker);
            assert!(readiness.poll_blocked(direction, &mut cx).is_pending());
        }
    }
}

/// As above.
#[test]
fn a_waker_may_drop_a_handle_when_it_is_woken() {
    let (handle, mut readiness) = ReadinessHandle::new();
    for direction in [Direction::Read, Direction::Write] {
        let waker = Owner::waker(&handle);
        let mut cx = Context::from_waker(&waker);
        assert!(readiness.poll_blocked(direction, &mut cx).is_pending());
        drop(waker);
        announce(&handle, direction);
    }
}

#[test]
fn a_transport_that_is_dropped_keeps_no_waker() {
    let (handle, mut readiness) = ReadinessHandle::new();
    let (wakes, waker) = WakeCount::new();
    for direction in [Direction::Read, Direction::Write] {
        let mut cx = Context::from_waker(&waker);
        assert!(readiness.poll_blocked(direction, &mut cx).is_pending());
    }
    drop((readiness, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
    drop(handle);
}

/// A task that is polled within its wakeup, by the caller.
struct Inline(ReadinessHandle, AtomicUsize);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.writable();
        drop(self.0.clone());
    }
}

/// As above.
#[test]
fn a_waker_may_use_a_handle_when_it_is_woken() {
    let (handle, mut readiness) = ReadinessHandle::new();
    let inline = Arc::new(Inline(handle.clone(), AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&inline));
    let mut cx = Context::from_waker(&waker);
    for direction in [Direction::Read, Direction::Write] {
        assert!(readiness.poll_blocked(direction, &mut cx).is_pending());
    }
    handle.readable();
    assert_eq!(
        inline.1.load(Ordering::SeqCst),
        2,
        "reader, and the writer by it"
    );
}
