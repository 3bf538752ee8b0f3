//! A task that waits for a callback, and owners that announce from other threads.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::callback::{CallbackIo, Callbacks, ReadinessHandle, Signalled};
use crate::{Error, ErrorKind, check};

type Read = Box<dyn FnMut(&mut [u8]) -> io::Result<usize> + Send>;
type Write = Box<dyn FnMut(&[u8]) -> io::Result<usize> + Send>;
type Transport = CallbackIo<Callbacks<Read, Write>, Signalled>;

/// A flag that lets an attempt succeed.
type Flag = Arc<AtomicBool>;

/// A transport that reads or accepts a byte once its flag is set.
fn transport(readiness: Signalled) -> (Transport, [Flag; 2]) {
    let flags = [(); 2].map(|()| Flag::new(AtomicBool::new(false)));
    let [readable, writable] = flags.clone();
    let read: Read = Box::new(move |_| attempt(&readable));
    let write: Write = Box::new(move |_| attempt(&writable));
    (
        CallbackIo::new(Callbacks::new(read, write), readiness),
        flags,
    )
}

fn attempt(flag: &Flag) -> io::Result<usize> {
    match flag.load(Ordering::Acquire) {
        true => Ok(1),
        false => Err(io::ErrorKind::WouldBlock.into()),
    }
}

fn poll_read(transport: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    Pin::new(transport).poll_read(cx, &mut ReadBuf::new(&mut [0]))
}

fn poll_write(transport: &mut Transport, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    Pin::new(transport).poll_write(cx, &[0])
}

fn is_abandoned(error: &io::Error) -> bool {
    Error::find(error).is_some_and(|error| error.kind() == ErrorKind::Abandoned)
}

#[test]
fn an_announcement_is_not_missed() {
    check(3, || {
        let (handle, readiness) = ReadinessHandle::new();
        let (mut transport, [readable, _]) = transport(readiness);
        let owner = handle.clone();
        thread::spawn(move || {
            readable.store(true, Ordering::Release);
            owner.readable();
        });
        block_on(poll_fn(|cx| poll_read(&mut transport, cx))).expect("a byte");
        drop(handle);
    });
}

#[test]
fn the_latest_waker_of_a_task_is_woken() {
    check(3, || {
        let (handle, readiness) = ReadinessHandle::new();
        let (mut transport, [readable, _]) = transport(readiness);
        // The task has polled before, with another waker.
        let _ = poll_read(&mut transport, &mut Context::from_waker(Waker::noop()));
        let owner = handle.clone();
        thread::spawn(move || {
            readable.store(true, Ordering::Release);
            owner.readable();
        });
        block_on(poll_fn(|cx| poll_read(&mut transport, cx))).expect("a byte");
        drop(handle);
    });
}

#[test]
fn two_tasks_wait_for_a_direction_each() {
    check(3, || {
        let (handle, readiness) = ReadinessHandle::new();
        let (transport, [readable, writable]) = transport(readiness);
        let transport = Arc::new(Mutex::new(transport));
        let reader = Arc::clone(&transport);
        let reader = thread::spawn(move || {
            let read = poll_fn(|cx| poll_read(&mut reader.lock().expect("no panic"), cx));
            block_on(read).expect("a byte");
        });
        let owner = thread::spawn(move || {
            writable.store(true, Ordering::Release);
            handle.writable();
            readable.store(true, Ordering::Release);
            handle.readable();
            handle
        });
        let write = poll_fn(|cx| poll_write(&mut transport.lock().expect("no panic"), cx));
        block_on(write).expect("room");
        reader.join().expect("no panic");
        drop(owner);
    });
}

#[test]
fn a_task_is_woken_when_its_last_owner_is_dropped() {
    check(3, || {
        let (handle, readiness) = ReadinessHandle::new();
        let (mut transport, _) = transport(readiness);
        let owner = handle.clone();
        thread::spawn(move || drop(owner));
        thread::spawn(move || drop(handle));
        let write = block_on(poll_fn(|cx| poll_write(&mut transport, cx)));
        assert!(is_abandoned(&write.expect_err("abandoned")));
    });
}

#[test]
fn a_task_is_woken_by_the_owner_that_remains() {
    check(3, || {
        let (handle, readiness) = ReadinessHandle::new();
        let (mut transport, [_, writable]) = transport(readiness);
        let owner = handle.clone();
        thread::spawn(move || drop(owner));
        let last = thread::spawn(move || {
            writable.store(true, Ordering::Release);
            handle.writable();
            handle
        });
        block_on(poll_fn(|cx| poll_write(&mut transport, cx))).expect("room");
        drop(last);
    });
}
