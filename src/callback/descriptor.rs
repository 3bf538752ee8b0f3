//! Readiness from a file descriptor (Unix).

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

use super::{Direction, Readiness};

/// The readiness of a file descriptor that Tokio's runtime watches (Unix).
///
/// The descriptor is watched until this value is dropped. It is never read or written, and it is
/// closed only by dropping `T`. `T` can be a socket, an `Arc` of one that the callbacks share, an
/// [`OwnedFd`](std::os::fd::OwnedFd) or a `BorrowedFd`. It must keep the descriptor that it returns
/// first open.
///
/// A callback that returns `WouldBlock` although the descriptor is ready is called again, after other
/// tasks have run.
#[derive(Debug)]
pub struct Descriptor<T: AsFd>(AsyncFd<Watched<T>>);

#[derive(Debug)]
struct Watched<T> {
    owner: T,
    descriptor: RawFd,
}

impl<T> AsRawFd for Watched<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor
    }
}

impl<T: AsFd> Descriptor<T> {
    /// Watches `descriptor`, which should be in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If the descriptor cannot be watched (a regular file, for example), or a limit of the system
    /// is reached.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime, or if the I/O driver of that runtime is disabled.
    pub fn new(descriptor: T) -> io::Result<Self> {
        let watched = Watched {
            descriptor: descriptor.as_fd().as_raw_fd(),
            owner: descriptor,
        };
        // Deprecated since the descriptor of an `AsRawFd` may change or be closed while it is
        // watched. This one does not change, and its owner is kept with it.
        #[allow(deprecated)]
        AsyncFd::new(watched).map(Self)
    }

    /// Returns the owner of the descriptor.
    pub fn get_ref(&self) -> &T {
        &self.0.get_ref().owner
    }

    fn poll_reported<'a>(
        &'a self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'a, Watched<T>>>> {
        match direction {
            Direction::Read => self.0.poll_read_ready(cx),
            Direction::Write => self.0.poll_write_ready(cx),
        }
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
    fn poll_blocked(&mut self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The runtime reports changes only, so a reported readiness may be cleared only if the
        // descriptor is not ready. Later changes are reported again.
        let mut event = ready!(self.poll_reported(direction, cx))?;
        if self.is_ready(direction)? {
            event.retain_ready();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        event.clear_ready();
        // Registers the waker, unless there was another change, or the descriptor has reached its
        // end, which the runtime never clears.
        if self.poll_reported(direction, cx).is_ready() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
