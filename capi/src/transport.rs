//! The transport behind a `pollback_transport`.

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::task::{Context, Waker};
use std::time::Duration;

use pollback::callback::{Attempt, CallbackIo, Descriptor, Direction};
use pollback::ffi::{lend_read, lend_write};
use rustix::io::Errno;
use rustls_ffi::rustls_io_result;

use crate::reactor::Reactor;
use crate::signal::{Signal, Wake};
use crate::socket::Socket;
use crate::{POLLBACK_READABLE, POLLBACK_WRITABLE};

pub(crate) struct Transport {
    io: Mutex<CallbackIo<Socket, Descriptor<Arc<OwnedFd>>>>,
    signal: Arc<Signal>,
    readable: Waker,
    writable: Waker,
    last_error: Mutex<String>,
    /// Last, since the socket is watched by it.
    _reactor: Arc<Reactor>,
}

impl Transport {
    /// # Safety
    ///
    /// If `fd` is open, nothing else closes it after this has succeeded.
    pub(crate) unsafe fn from_fd(fd: c_int, wake: Option<Wake>) -> io::Result<Self> {
        if fd < 0 {
            return Err(Errno::BADF.into());
        }
        // SAFETY: it is not -1, and if it is not open the system says so.
        Socket::prepare(unsafe { BorrowedFd::borrow_raw(fd) })?;
        let reactor = Reactor::shared()?;
        // SAFETY: it is open, as the system has said, and the caller leaves it to us.
        let fd = Arc::new(unsafe { OwnedFd::from_raw_fd(fd) });
        let descriptor = {
            let _within = reactor.handle().enter();
            Descriptor::new(Arc::clone(&fd))
        };
        let descriptor = match descriptor {
            Ok(descriptor) => descriptor,
            Err(error) => {
                // The caller keeps it.
                let _ = Arc::into_inner(fd).map(IntoRawFd::into_raw_fd);
                return Err(error);
            }
        };
        let signal = Signal::new(POLLBACK_READABLE | POLLBACK_WRITABLE, wake);
        Ok(Self {
            io: Mutex::new(CallbackIo::new(Socket::new(fd), descriptor)),
            readable: signal.waker(POLLBACK_READABLE),
            writable: signal.waker(POLLBACK_WRITABLE),
            signal,
            last_error: Mutex::default(),
            _reactor: reactor,
        })
    }

    /// Makes one attempt by `call`, which gets the userdata for a callback of pollback.
    pub(crate) fn attempt(
        &self,
        direction: Direction,
        call: impl FnOnce(*mut c_void) -> rustls_io_result,
    ) -> rustls_io_result {
        let mut io = match self.io.try_lock() {
            Ok(io) => io,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return rustls_io_result(Errno::BUSY.raw_os_error()),
        };
        let (flag, waker) = match direction {
            Direction::Read => (POLLBACK_READABLE, &self.readable),
            Direction::Write => (POLLBACK_WRITABLE, &self.writable),
        };
        // Before the attempt, since it may be woken at any time after.
        self.signal.block(flag);
        let mut cx = Context::from_waker(waker);
        let mut attempt = Attempt::new(Pin::new(&mut *io), &mut cx);
        let mut code = rustls_io_result(0);
        let call = |lent, _| {
            code = call(lent);
            code
        };
        let answer = match direction {
            Direction::Read => lend_read(&mut attempt, call),
            Direction::Write => lend_write(&mut attempt, call),
        };
        match answer {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return code,
            Err(error) => self.note(error.to_string()),
            Ok(_) => {}
        }
        self.signal.unblock(flag);
        code
    }

    pub(crate) fn wait(&self, directions: c_int, timeout_ms: c_int) -> c_int {
        let timeout = u64::try_from(timeout_ms).map(Duration::from_millis);
        self.signal.wait(directions, timeout.ok())
    }

    pub(crate) fn last_error(&self) -> String {
        let last = self.last_error.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, error: String) {
        let mut last = self.last_error.lock();
        **last.as_mut().unwrap_or_else(|poisoned| poisoned.get_mut()) = error;
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        self.signal.silence();
    }
}
