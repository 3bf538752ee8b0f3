//! The thread that watches the sockets of transports with a wake callback.

use std::collections::HashMap;
use std::ffi::c_int;
use std::io;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::os::fd::RawFd;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token, Waker};

use crate::mutex::Mutex;
use crate::process::Process;
use crate::wake::{Wake, Watched};
use crate::{POLLBACK_READABLE, POLLBACK_WRITABLE};

/// The maximum number of events that the thread receives at once.
const EVENTS: usize = 256;

/// The token of the thread's own waker.
const STOP: Token = Token(0);

/// A running thread, which ends when this is dropped.
pub(crate) struct Watcher {
    registry: Registry,
    waker: Waker,
    shared: Arc<Shared>,
    next: AtomicUsize,
    thread: Option<JoinHandle<()>>,
}

/// What the thread shares with the transports.
struct Shared {
    stop: AtomicBool,
    watched: Mutex<HashMap<Token, Arc<Watched>>>,
}

impl Watcher {
    /// Starts the thread. It ends early in a child that was forked from it.
    pub(crate) fn start(process: &'static Process) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, STOP)?;
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            watched: Mutex::new(HashMap::new()),
        });
        let for_thread = Arc::clone(&shared);
        let thread = without_signals(|| {
            thread::Builder::new()
                .name("pollback".to_owned())
                .spawn(move || run(poll, &for_thread, process))
        })?;
        Ok(Self {
            registry,
            waker,
            shared,
            next: AtomicUsize::new(STOP.0 + 1),
            thread: Some(thread),
        })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        // This cannot fail: the counter behind the waker never gets near its limit.
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // The thread returns nothing, and a panic in it is not propagated.
            let _ = thread.join();
        }
    }
}

fn run(mut poll: Poll, shared: &Shared, process: &Process) {
    let mut events = Events::with_capacity(EVENTS);
    while !shared.stop.load(Ordering::Acquire) && process.is_current() {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // Happens only if the program has closed the descriptor.
            Err(_) => return,
            Ok(()) => {}
        }
        for event in &events {
            let mut ready = 0;
            // A failed connection is ready in both directions: an attempt returns the reason.
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                ready |= POLLBACK_READABLE;
            }
            if event.is_writable() || event.is_write_closed() || event.is_error() {
                ready |= POLLBACK_WRITABLE;
            }
            // The callback is called without the lock, since it may take long.
            let watched = shared.watched.lock().get(&event.token()).cloned();
            if let Some(watched) = watched {
                watched.notify(ready);
                // Dropped under the lock, so that the last owner has seen what the others did.
                let _map = shared.watched.lock();
                drop(watched);
            }
            if !process.is_current() {
                return;
            }
        }
    }
}

/// The registration of one socket.
pub(crate) struct Watch {
    process: &'static Process,
    // Neither is dropped in a child, where the thread does not exist and cannot be joined.
    watcher: ManuallyDrop<Arc<Watcher>>,
    watched: ManuallyDrop<Arc<Watched>>,
    token: Token,
    fd: RawFd,
}

impl Watch {
    /// Watches a socket until this is dropped, which must happen before the socket is closed.
    /// `blocked` is the direction in which the attempt would block.
    pub(crate) fn start(
        process: &'static Process,
        fd: RawFd,
        blocked: c_int,
        wake: Wake,
    ) -> io::Result<Self> {
        let watcher = process.watcher()?;
        let token = Token(watcher.next.fetch_add(1, Ordering::Relaxed));
        let watched = Arc::new(Watched::new(blocked, wake));
        watcher
            .shared
            .watched
            .lock()
            .insert(token, Arc::clone(&watched));
        let watch = Self {
            process,
            watcher: ManuallyDrop::new(watcher),
            watched: ManuallyDrop::new(watched),
            token,
            fd,
        };
        // Edge-triggered; readiness at the time of the registration is an edge. Dropped on failure.
        let both = Interest::READABLE | Interest::WRITABLE;
        let registry = &watch.watcher.registry;
        registry.register(&mut SourceFd(&fd), token, both)?;
        Ok(watch)
    }

    /// Whether the thread belongs to this process.
    pub(crate) fn is_current(&self) -> bool {
        self.process.is_current()
    }

    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.is_current() {
            // The epoll instance is shared with the parent, whose registration this is.
            return;
        }
        let _ = self.watcher.registry.deregister(&mut SourceFd(&self.fd));
        self.watched.silence();
        {
            let mut map = self.watcher.shared.watched.lock();
            map.remove(&self.token);
            // SAFETY: it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.watched) };
        }
        // SAFETY: it is not used again.
        unsafe { ManuallyDrop::drop(&mut self.watcher) };
    }
}

/// Calls `body` with all signals blocked, which the threads that it starts inherit.
fn without_signals<T>(body: impl FnOnce() -> T) -> T {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` fills the set that is passed on, and both sets outlive the calls.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
    }
    let done = body();
    // SAFETY: the call above, which cannot fail with these arguments, has filled the set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), null_mut()) };
    done
}
