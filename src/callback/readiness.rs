//! Who wakes the task of a `CallbackIo`: a file descriptor, or a handle that the owner calls.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::ErrorKind;

/// The two directions of a transport. Each has a task of its own to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Bytes come in.
    Read,
    /// Bytes go out.
    Write,
}

/// Who wakes a task whose attempt would block.
pub trait Readiness {
    /// Asked after an attempt answered `WouldBlock`.
    ///
    /// `Ready` asks for another attempt. `Pending` says that the waker of `cx` is registered, or
    /// woken already, and that no readiness since that attempt has been missed. A source that
    /// cannot tell registers the waker, answers `Ready`, and answers `Pending` if the attempt after
    /// that still blocks.
    ///
    /// # Errors
    ///
    /// The reason why readiness can no longer be known; the operation that waits fails with it.
    fn poll_blocked(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// For attempts that register the waker themselves before they answer `WouldBlock`, as
/// [`Attempt`](super::Attempt) does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Polled;

impl Readiness for Polled {
    fn poll_blocked(&mut self, _: Direction, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// The owner's end of a readiness: announces from any thread that attempts may succeed again.
///
/// Announce after the change that makes an attempt succeed. An announcement too many costs one
/// attempt; one too few leaves a task asleep. When the last clone is dropped, a task that waits or
/// would have to wait fails with [`ErrorKind::Abandoned`].
pub struct ReadinessHandle(Arc<Mutex<Waiting>>);

/// The [`Readiness`] that follows a [`ReadinessHandle`].
pub struct Signalled(Arc<Mutex<Waiting>>);

struct Waiting {
    reader: Option<Waker>,
    writer: Option<Waker>,
    owners: usize,
}

impl ReadinessHandle {
    /// A handle for the owner of the callbacks, and the readiness for their
    /// [`CallbackIo`](super::CallbackIo).
    pub fn new() -> (Self, Signalled) {
        let waiting = Arc::new(Mutex::new(Waiting {
            reader: None,
            writer: None,
            owners: 1,
        }));
        (Self(Arc::clone(&waiting)), Signalled(waiting))
    }

    /// Says that a read may succeed: bytes have arrived, or the stream has ended or failed.
    pub fn readable(&self) {
        wake(lock(&self.0).reader.take());
    }

    /// Says that a write may succeed: there is room, or the stream has failed.
    pub fn writable(&self) {
        wake(lock(&self.0).writer.take());
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
            let mut waiting = lock(&self.0);
            waiting.owners -= 1;
            if waiting.owners > 0 {
                return;
            }
            (waiting.reader.take(), waiting.writer.take())
        };
        wake(reader);
        wake(writer);
    }
}

impl Readiness for Signalled {
    fn poll_blocked(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waker = cx.waker().clone();
        // Dropped after the lock is released: the last waker of a task drops that task, and the
        // task may own a handle, which takes the lock.
        let _replaced;
        let mut waiting = lock(&self.0);
        if waiting.owners == 0 {
            return Poll::Ready(Err(ErrorKind::Abandoned.into()));
        }
        let slot = match direction {
            Direction::Read => &mut waiting.reader,
            Direction::Write => &mut waiting.writer,
        };
        match slot {
            // Registered since before the attempt, or it would have been taken.
            Some(registered) if registered.will_wake(&waker) => Poll::Pending,
            _ => {
                _replaced = slot.replace(waker);
                Poll::Ready(Ok(()))
            }
        }
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

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Nothing that is done under the lock leaves it half done.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(all(unix, feature = "fd"))]
pub use descriptor::Descriptor;

#[cfg(all(unix, feature = "fd"))]
mod descriptor {
    use std::io;
    use std::os::fd::{AsFd, AsRawFd, RawFd};
    use std::task::{Context, Poll, ready};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use tokio::io::unix::AsyncFd;

    use super::{Direction, Readiness};

    /// Readiness from a file descriptor that tokio's runtime watches (Unix).
    ///
    /// The descriptor is watched for as long as this lives; it is never read, written or closed
    /// here beyond what dropping `T` does. `T` can be a socket, an `Arc` of one that the callbacks
    /// share, an [`OwnedFd`](std::os::fd::OwnedFd) or a `BorrowedFd`.
    ///
    /// A callback that says "would block" although the descriptor is ready costs attempts, not
    /// liveness: it is tried again, between the turns of other tasks.
    #[derive(Debug)]
    pub struct Descriptor<T: AsFd>(AsyncFd<Watched<T>>);

    #[derive(Debug)]
    struct Watched<T>(T);

    impl<T: AsFd> AsRawFd for Watched<T> {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    impl<T: AsFd> Descriptor<T> {
        /// Watches `descriptor`, which should be in non-blocking mode.
        ///
        /// # Errors
        ///
        /// The descriptor cannot be watched (a regular file, say), or the limit of the system is
        /// reached.
        ///
        /// # Panics
        ///
        /// Outside a tokio runtime, or if that runtime has its I/O driver disabled.
        pub fn new(descriptor: T) -> io::Result<Self> {
            // What `AsyncFd::register` asks its caller to uphold, that the descriptor stays open
            // while it is watched, holds for every `AsFd` value that is kept here.
            #[allow(deprecated)]
            AsyncFd::new(Watched(descriptor)).map(Self)
        }

        /// The descriptor's owner.
        pub fn get_ref(&self) -> &T {
            &self.0.get_ref().0
        }

        fn is_ready(&self, direction: Direction) -> io::Result<bool> {
            let flags = match direction {
                Direction::Read => PollFlags::IN,
                Direction::Write => PollFlags::OUT,
            };
            let mut watched = [PollFd::new(self.get_ref(), flags)];
            let at_once = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            match poll(&mut watched, Some(&at_once)) {
                Ok(ready) => Ok(ready > 0),
                Err(rustix::io::Errno::INTR) => Ok(true),
                Err(error) => Err(error.into()),
            }
        }
    }

    impl<T: AsFd> Readiness for Descriptor<T> {
        fn poll_blocked(
            &mut self,
            direction: Direction,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            loop {
                let mut event = ready!(match direction {
                    Direction::Read => self.0.poll_read_ready(cx),
                    Direction::Write => self.0.poll_write_ready(cx),
                })?;
                event.clear_ready();
                // The runtime reports changes only. If the descriptor is ready all the same, no
                // further change may come.
                if self.is_ready(direction)? {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
    }
}
