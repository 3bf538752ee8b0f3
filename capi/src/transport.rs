//! The transport behind a `pollback_transport`.

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use pollback::callback::Direction;
use pollback::ffi::{lend_read, lend_write};
use rustix::io::Errno;
use rustls_ffi::rustls_io_result;

use crate::process::Process;
use crate::socket::{self, Socket};
use crate::wake::Wake;
use crate::watcher::Watch;
use crate::{POLLBACK_READABLE, POLLBACK_WRITABLE, code};

pub(crate) struct Transport {
    socket: Socket,
    wake: Option<Wake>,
    /// Locked during an attempt. `None` until an attempt has returned EAGAIN.
    watch: Mutex<Option<Watch>>,
    /// The directions in which the last attempt returned EAGAIN.
    interest: AtomicI32,
    /// The code of the last error, or 0.
    last_error: AtomicI32,
    /// The process that has recorded the ownership of the descriptor.
    owner: &'static Process,
}

impl Transport {
    /// # Safety
    ///
    /// Nothing else closes `fd` after this has succeeded. The function of `wake` can be called
    /// until the transport has been dropped.
    pub(crate) unsafe fn from_fd(fd: c_int, wake: Option<Wake>) -> Result<Self, Errno> {
        if fd < 0 {
            return Err(Errno::BADF);
        }
        // SAFETY: it is not -1, and if it is not open, the system reports that.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        socket::check(borrowed)?;
        let owner = Process::current().map_err(|error| errno_of(&error))?;
        if !owner.own(fd) {
            return Err(Errno::EXIST);
        }
        if let Err(errno) = socket::take_over(borrowed) {
            owner.disown(fd);
            return Err(errno);
        }
        Ok(Self {
            // SAFETY: it is open, as the system has confirmed, and the caller passes its ownership.
            socket: Socket::new(unsafe { OwnedFd::from_raw_fd(fd) }),
            wake,
            watch: Mutex::new(None),
            interest: AtomicI32::new(0),
            last_error: AtomicI32::new(0),
            owner,
        })
    }

    /// Makes one attempt by calling `call` with the userdata for a callback of pollback.
    pub(crate) fn attempt(
        &self,
        direction: Direction,
        call: impl FnOnce(*mut c_void) -> rustls_io_result,
    ) -> rustls_io_result {
        let mut watch = match self.watch.try_lock() {
            Ok(watch) => watch,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return code(Errno::BUSY),
        };
        if watch.as_ref().is_some_and(|watch| !watch.is_current()) {
            // It belongs to the parent.
            *watch = None;
        }
        let flag = match direction {
            Direction::Read => POLLBACK_READABLE,
            Direction::Write => POLLBACK_WRITABLE,
        };
        if let Some(watch) = &*watch {
            // Before the attempt, since the socket may become ready at any time after it.
            watch.watched().block(flag);
        }
        let mut socket = &self.socket;
        let mut returned = rustls_io_result(0);
        let call = |lent, _: *mut usize| {
            returned = call(lent);
            returned
        };
        let result = match direction {
            Direction::Read => lend_read(&mut socket, call),
            Direction::Write => lend_write(&mut socket, call),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.interest.fetch_or(flag, Ordering::Relaxed);
                match self.watch_from_now(&mut watch, flag) {
                    Ok(()) => return returned,
                    Err(errno) => returned = code(errno),
                }
            }
            _ => {
                self.interest.fetch_and(!flag, Ordering::Relaxed);
            }
        }
        if let Some(watch) = &*watch {
            watch.watched().unblock(flag);
        }
        if returned.0 != 0 {
            self.last_error.store(returned.0, Ordering::Relaxed);
        }
        returned
    }

    fn watch_from_now(&self, watch: &mut Option<Watch>, blocked: c_int) -> Result<(), Errno> {
        if let (Some(wake), None) = (self.wake, &watch) {
            let started = Process::current()
                .and_then(|process| Watch::start(process, self.as_fd().as_raw_fd(), blocked, wake));
            *watch = Some(started.map_err(|error| errno_of(&error))?);
        }
        Ok(())
    }

    pub(crate) fn interest(&self) -> c_int {
        self.interest.load(Ordering::Relaxed)
    }

    /// The message of the last error; empty if there was none.
    pub(crate) fn last_error(&self) -> String {
        match self.last_error.load(Ordering::Relaxed) {
            0 => String::new(),
            code => io::Error::from_raw_os_error(code).to_string(),
        }
    }
}

impl AsFd for Transport {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        // Both happen while the descriptor is still open, so that its number cannot have been
        // reused.
        *self.watch.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
        if self.owner.is_current() {
            self.owner.disown(self.as_fd().as_raw_fd());
        }
    }
}

/// The code of an error that prevents watching a transport. EAGAIN, which reports a limit on
/// threads, would mean that the wake callback will be called.
fn errno_of(error: &io::Error) -> Errno {
    match Errno::from_io_error(error) {
        Some(Errno::AGAIN) => Errno::NOMEM,
        Some(errno) => errno,
        None => Errno::IO,
    }
}
