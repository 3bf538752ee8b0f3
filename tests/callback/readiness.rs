//! What wakes a task that waits for the owner of the callbacks.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::thread;

use pollback::callback::{CallbackIo, Callbacks, Direction, Readiness, ReadinessHandle, Signalled};
use pollback_testkit::executor::block_on;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::script::{Own, Script};
use crate::support::{Operation, WakeCount, ready, would_block};

pub(crate) fn io(script: &Script, readiness: Signalled) -> CallbackIo<Own, Signalled> {
    CallbackIo::new(Own(script.clone()), readiness)
}

/// Results for an attempt that blocks, and blocks again once the waker is registered.
pub(crate) fn blocked() -> [io::Result<usize>; 2] {
    [Err(would_block()), Err(would_block())]
}

pub(crate) fn announce(handle: &ReadinessHandle, direction: Direction) {
    match direction {
        Direction::Read => handle.readable(),
        Direction::Write => handle.writable(),
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Read => Direction::Write,
        Direction::Write => Direction::Read,
    }
}

pub(crate) const OPERATIONS: [(Operation, Direction); 5] = [
    (Operation::Read, Direction::Read),
    (Operation::Write, Direction::Write),
    (Operation::WriteVectored, Direction::Write),
    (Operation::Flush, Direction::Write),
    (Operation::Shutdown, Direction::Write),
];

#[test]
fn an_announcement_wakes_the_task_of_its_direction() {
    for (operation, direction) in OPERATIONS {
        let (handle, readiness) = ReadinessHandle::new();
        let script = Script::new(blocked());
        let mut io = io(&script, readiness);
        let (wakes, waker) = WakeCount::new();
        assert!(
            operation.poll(&mut io, &waker).is_pending(),
            "{operation:?}"
        );
        assert_eq!(wakes.get(), 0, "{operation:?}");
        announce(&handle, opposite(direction));
        assert_eq!(wakes.get(), 0, "{operation:?}");
        announce(&handle, direction);
        assert_eq!(wakes.get(), 1, "{operation:?}");
        announce(&handle, direction);
        assert_eq!(wakes.get(), 1, "no task waits any more");
    }
}

#[test]
fn readers_and_writers_are_woken_separately() {
    let (handle, readiness) = ReadinessHandle::new();
    let script = Script::new(blocked().into_iter().chain(blocked()));
    let mut io = io(&script, readiness);
    let (reads, reader) = WakeCount::new();
    let (writes, writer) = WakeCount::new();
    assert!(Operation::Read.poll(&mut io, &reader).is_pending());
    assert!(Operation::Write.poll(&mut io, &writer).is_pending());
    handle.writable();
    assert_eq!((reads.get(), writes.get()), (0, 1));
    handle.readable();
    assert_eq!((reads.get(), writes.get()), (1, 1));
}

#[test]
fn only_the_latest_waker_is_woken() {
    let (handle, readiness) = ReadinessHandle::new();
    let script = Script::new(blocked().into_iter().chain(blocked()));
    let mut io = io(&script, readiness);
    let (earlier, waker) = WakeCount::new();
    assert!(Operation::Read.poll(&mut io, &waker).is_pending());
    let (later, waker) = WakeCount::new();
    assert!(Operation::Read.poll(&mut io, &waker).is_pending());
    handle.readable();
    assert_eq!((earlier.get(), later.get()), (0, 1));
}

#[test]
fn an_announcement_between_the_attempt_and_the_registration_is_not_lost() {
    for direction in [Direction::Read, Direction::Write] {
        let (handle, mut readiness) = ReadinessHandle::new();
        let (wakes, waker) = WakeCount::new();
        let mut cx = Context::from_waker(&waker);
        // An attempt returns "would block" here, and before the registration:
        announce(&handle, direction);
        ready(readiness.poll_blocked(direction, &mut cx)).unwrap();
        assert!(readiness.poll_blocked(direction, &mut cx).is_pending());
        assert_eq!(wakes.get(), 0);
        // The same once more, with a waker that is registered when the announcement is made.
        announce(&handle, direction);
        assert_eq!(wakes.get(), 1);
        ready(readiness.poll_blocked(direction, &mut cx)).unwrap();
        assert!(readiness.poll_blocked(direction, &mut cx).is_pending());
        announce(&handle, direction);
        assert_eq!(wakes.get(), 2);
    }
}

#[test]
fn an_announcement_during_an_attempt_that_blocks_is_not_lost() {
    for announcements in 1..=2 {
        let (handle, readiness) = ReadinessHandle::new();
        let mut calls = 0;
        let read = |_: &mut [u8]| {
            calls += 1;
            if calls > announcements {
                return Ok(1);
            }
            // It was empty when it was checked, and is filled before the result is returned.
            handle.readable();
            Err(would_block())
        };
        let mut io = CallbackIo::new(Callbacks::new(read, |_: &[u8]| Ok(0)), readiness);
        // This executor panics if a task remains that nothing will wake.
        assert_eq!(block_on(io.read(&mut [0])).unwrap(), 1);
    }
}

/// A lost wakeup would make the test hang.
#[test]
fn no_wake_from_another_thread_is_lost() {
    const BYTES: usize = 20_000;
    const CAPACITY: usize = 3;
    let queue = Arc::new(Mutex::new(VecDeque::new()));
    let (handle, readiness) = ReadinessHandle::new();

    let filled = Arc::clone(&queue);
    let write = move |buf: &[u8]| {
        let mut queue = filled.lock().unwrap();
        let room = CAPACITY - queue.len();
        let taken = buf.len().min(room);
        queue.extend(&buf[..taken]);
        (taken > 0).then_some(taken).ok_or_else(would_block)
    };
    let mut io = CallbackIo::new(Callbacks::new(|_: &mut [u8]| Ok(0), write), readiness);

    let owner = thread::spawn(move || {
        let mut received = Vec::new();
        while received.len() < BYTES {
            let taken: Vec<u8> = queue.lock().unwrap().drain(..).collect();
            if !taken.is_empty() {
                handle.writable();
            }
            received.extend(taken);
            thread::yield_now();
        }
        received
    });
    let bytes: Vec<u8> = (0..=255).cycle().take(BYTES).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let written = runtime.block_on(io.write_all(&bytes));
    let received = owner.join().unwrap();
    written.unwrap();
    assert_eq!(received, bytes);
}

#[test]
fn the_first_byte_from_another_thread_wakes_the_reader() {
    let inbox = Arc::new(Mutex::new(None));
    let arriving = Arc::clone(&inbox);
    let (blocked, told) = std::sync::mpsc::channel();
    let read = move |buf: &mut [u8]| match arriving.lock().unwrap().take() {
        Some(byte) => {
            buf[0] = byte;
            Ok(1)
        }
        None => {
            let _ = blocked.send(());
            Err(would_block())
        }
    };
    let (handle, readiness) = ReadinessHandle::new();
    let mut io = CallbackIo::new(Callbacks::new(read, |_: &[u8]| Ok(0)), readiness);
    let owner = thread::spawn(move || {
        told.recv().unwrap();
        *inbox.lock().unwrap() = Some(b'!');
        handle.readable();
        handle
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(io.read_u8()).unwrap(), b'!');
    drop(owner.join().unwrap());
}
