//! How the task of a `CallbackIo` is woken: by the attempt itself, or through a handle.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::ErrorKind;

/// A direction of a transport. Each has its own task to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Incoming bytes.
    Read,
    /// Outgoing bytes.
    Write,
}

/// Decides who wakes a task whose attempt would block.
pub trait Readiness {
    /// Called after an attempt returned `WouldBlock`.
    ///
    /// `Ready` requests another attempt. `Pending` means that the waker of `cx` is registered or has
    /// been woken, and that no readiness since that attempt was missed. An implementation that cannot
    /// know the latter registers the waker, returns `Ready`, and returns `Pending` if the next
    /// attempt would block too.
    ///
    /// # Errors
    ///
    /// The reason why readiness can no longer be known, with which the pending operation fails.
    fn poll_blocked(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// The readiness of attempts that register the waker before they return `WouldBlock`, as
/// [`Attempt`](super::Attempt) does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Polled;

impl Readiness for Polled {
    fn poll_blocked(&mut self, _: Direction, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// Announces, from any thread, that attempts may succeed again.
///
/// Announce *after* the change that makes an attempt succeed. A superfluous announcement costs one
/// attempt; a missing one leaves a task asleep. Dropping the last clone is the last announcement:
/// an operation that would have to wait after it fails with
/// [`ErrorKind::Abandoned`](crate::ErrorKind::Abandoned).
pub struct ReadinessHandle(Arc<Mutex<Shared>>);

/// The [`Readiness`] that follows a [`ReadinessHandle`].
pub struct Signalled {
    shared: Arc<Mutex<Shared>>,
    /// The announcement counts that the latest attempts have seen, by direction.
    answered: [u64; 2],
}

struct Shared {
    directions: [Announced; 2],
    owners: usize,
}

/// One direction: the number of announcements, and the waker of the waiting task.
#[derive(Default)]
struct Announced {
    count: u64,
    waker: Option<Waker>,
}

impl ReadinessHandle {
    /// Creates a handle for the owner of the callbacks, and the readiness for their
    /// [`CallbackIo`](super::CallbackIo).
    pub fn new() -> (Self, Signalled) {
        let shared = Arc::new(Mutex::new(Shared {
            directions: Default::default(),
            owners: 1,
        }));
        let signalled = Signalled {
            shared: Arc::clone(&shared),
            answered: [0; 2],
        };
        (Self(shared), signalled)
    }

    /// Announces that a read may succeed: bytes have arrived, or the stream has ended or failed.
    pub fn readable(&self) {
        self.announce(Direction::Read);
    }

    /// Announces that a write may succeed: there is room, or the stream has failed.
    pub fn writable(&self) {
        self.announce(Direction::Write);
    }

    fn announce(&self, direction: Direction) {
        let waker = lock(&self.0).announce(direction);
        wake(waker);
    }
}

impl Clone for ReadinessHandle {
    fn clone(&self) -> Self {
        lock(&self.0).owners += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for ReadinessHandle {
    fn drop(&mut self) {
        let (reader, writer) = {
            let mut shared = lock(&self.0);
            shared.owners -= 1;
            if shared.owners > 0 {
                return;
            }
            (
                shared.announce(Direction::Read),
                shared.announce(Direction::Write),
            )
        };
        wake(reader);
        wake(writer);
    }
}

impl Shared {
    fn announce(&mut self, direction: Direction) -> Option<Waker> {
        let announced = &mut self.directions[direction as usize];
        announced.count += 1;
        announced.waker.take()
    }
}

impl Readiness for Signalled {
    fn poll_blocked(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waker = cx.waker().clone();
        // Dropped after the lock is released: the last waker of a task drops that task, and the
        // task may own a handle, which takes the lock.
        let _replaced;
        let mut shared = lock(&self.shared);
        let owners = shared.owners;
        let announced = &mut shared.directions[direction as usize];
        let answered = &mut self.answered[direction as usize];
        if *answered != announced.count {
            // The blocked attempt may have been made before the announcement.
            *answered = announced.count;
            return Poll::Ready(Ok(()));
        }
        if owners == 0 {
            return Poll::Ready(Err(ErrorKind::Abandoned.into()));
        }
        _replaced = announced.waker.replace(waker);
        Poll::Pending
    }
}

impl Drop for Signalled {
    fn drop(&mut self) {
        let _wakers = {
            let [reader, writer] = &mut lock(&self.shared).directions;
            (reader.waker.take(), writer.waker.take())
        };
    }
}

impl fmt::Debug for ReadinessHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadinessHandle").finish_non_exhaustive()
    }
}

impl fmt::Debug for Signalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signalled").finish_non_exhaustive()
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // No panic under the lock can leave the state inconsistent.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
