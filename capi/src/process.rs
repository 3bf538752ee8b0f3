//! State shared by all transports of a process, and not inherited by a forked child.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use crate::mutex::Mutex;
use crate::watcher::Watcher;

/// At least the number of forks between this process and the first one that used the library.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// The state of the latest generation that has needed one.
static CURRENT: AtomicPtr<Process> = AtomicPtr::new(std::ptr::null_mut());

/// The state of one process.
///
/// A child creates its own and never touches its parent's: a thread that does not exist in the
/// child may have held the locks at the time of the fork.
pub(crate) struct Process {
    generation: u32,
    /// Keeps the parent's state reachable, for leak detectors.
    _earlier: Option<&'static Self>,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The descriptors owned by transports.
    owned: BTreeSet<RawFd>,
    watcher: Weak<Watcher>,
}

impl Process {
    /// The state of this process.
    pub(crate) fn current() -> io::Result<&'static Self> {
        let generation = GENERATION.load(Ordering::Acquire);
        let latest = CURRENT.load(Ordering::Acquire);
        // SAFETY: what is published here is never freed.
        let earlier = unsafe { latest.as_ref() };
        match earlier {
            Some(current) if current.generation == generation => return Ok(current),
            Some(_) => {}
            // Children inherit the handler. If two threads both register it, generations only grow
            // by two.
            None => count_forks()?,
        }
        let made = Box::into_raw(Box::new(Self {
            generation,
            _earlier: earlier,
            shared: Mutex::new(Shared::default()),
        }));
        match CURRENT.compare_exchange(latest, made, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: it has just been published, so it is never freed.
            Ok(_) => Ok(unsafe { &*made }),
            Err(other) => {
                // SAFETY: it was created above, and nothing else has seen it.
                drop(unsafe { Box::from_raw(made) });
                // SAFETY: published by another thread, so it is never freed.
                Ok(unsafe { &*other })
            }
        }
    }

    /// Whether this is the state of the current process, and not of an ancestor.
    pub(crate) fn is_current(&self) -> bool {
        self.generation == GENERATION.load(Ordering::Acquire)
    }

    /// Records that a transport owns a descriptor. Returns `false` if another one already does.
    pub(crate) fn own(&self, fd: RawFd) -> bool {
        self.shared.lock().owned.insert(fd)
    }

    /// Records that the owner of a descriptor is about to close it.
    pub(crate) fn disown(&self, fd: RawFd) {
        self.shared.lock().owned.remove(&fd);
    }

    /// The watcher that the transports of this process share, or a new one.
    pub(crate) fn watcher(&'static self) -> io::Result<Arc<Watcher>> {
        let mut shared = self.shared.lock();
        if let Some(living) = shared.watcher.upgrade() {
            return Ok(living);
        }
        let watcher = Arc::new(Watcher::start(self)?);
        shared.watcher = Arc::downgrade(&watcher);
        Ok(watcher)
    }
}

fn count_forks() -> io::Result<()> {
    extern "C" fn in_child() {
        GENERATION.fetch_add(1, Ordering::AcqRel);
    }
    // SAFETY: the handler touches nothing but an atomic number.
    match unsafe { libc::pthread_atfork(None, None, Some(in_child)) } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}
