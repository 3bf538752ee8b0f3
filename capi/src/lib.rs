//! Transports for C programs that use rustls-ffi.
//!
//! rustls-ffi performs I/O through three callbacks that the program supplies. Each of them makes
//! one non-blocking attempt to read or to write. A pollback_transport is a connected stream socket,
//! and the userdata of three such callbacks: pollback_read, pollback_write and
//! pollback_write_vectored.
//!
//! # Waiting
//!
//! An attempt that would block returns EAGAIN. There are three ways to find out when to try again:
//!
//! - pollback_transport_wait blocks the calling thread.
//! - The event loop of the program (poll, epoll, kqueue, libuv, GLib) watches the descriptor that
//!   pollback_transport_fd returns, for the directions that pollback_transport_interest returns.
//! - The library calls a wake callback from a thread of its own.
//!
//! Only the wake callback needs a thread. It is started by the first attempt that returns EAGAIN on
//! a transport with a wake callback, and ends when the last such transport is freed. All
//! descriptors that the library opens are close-on-exec.
//!
//! # Threads
//!
//! A transport may be used by one thread at a time; different transports may be used by different
//! threads at the same time. The documentation of each function says what else is allowed.
//!
//! # Error codes
//!
//! The functions return errno values, or -1 with the value in errno:
//!
//! | code       | function             | meaning                                                |
//! |------------|----------------------|--------------------------------------------------------|
//! | EINVAL     | all                  | an argument is invalid, or NULL where that is an error |
//! | EBADF      | from_fd, wait        | the descriptor is not open                             |
//! | ENOTSOCK   | from_fd              | the descriptor is not a socket                         |
//! | EPROTOTYPE | from_fd              | the socket is not a stream socket                      |
//! | EEXIST     | from_fd              | another transport already owns the descriptor          |
//! | EAGAIN     | callbacks            | the attempt would block                                |
//! | EBUSY      | callbacks            | another thread is making an attempt                    |
//! | EINTR      | wait                 | a signal handler has run                               |
//! | EPIPE      | write callbacks      | the connection is closed                               |
//! | ECONNRESET | callbacks            | the peer has reset the connection                      |
//! | ENOMEM     | callbacks            | the thread for the wake callback cannot be started     |
//! | EIO        | all                  | a bug in the library                                   |
//!
//! Any other error of the socket is returned unchanged. The callbacks never return EINTR.
//!
//! # fork
//!
//! A child may create transports of its own. A transport that it has inherited works in the child,
//! and both processes may free their copies. They share the socket, so only one of them should
//! continue to use the connection. A wake callback is called in the process whose attempt returned
//! EAGAIN, from a thread of that process. If another thread was making an attempt at the time of
//! the fork, all attempts on that transport return EBUSY in the child; it can still be freed. The
//! child keeps the memory and the descriptors of the parent's thread until it calls exec or exits.
//!
//! A child forked in a wake callback must not return from the callback. Processes created by vfork,
//! or directly by the system call clone, may only call exec.
//!
//! A transport makes its socket close-on-exec.
//!
//! # Signals
//!
//! The thread of the library blocks all signals. Writes never raise SIGPIPE, whatever its
//! disposition. No function may be called from a signal handler.
//!
//! # Exit
//!
//! Free transports with a wake callback before main returns; otherwise the callback may be called
//! while the program runs its exit handlers. Transports without one need not be freed.
//!
//! # Systems
//!
//! Tested on Linux, untested on other Unix systems, not available on Windows.

#![cfg(unix)]

// The interface, in the order of the header.
mod handle;

mod attempts;
mod waiting;

mod mutex;
mod process;
mod socket;
mod transport;
mod wake;
mod watcher;

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::io::Errno;
use rustls_ffi::rustls_io_result;

pub use attempts::{pollback_read, pollback_write, pollback_write_vectored};
pub use handle::{
    pollback_transport_free, pollback_transport_from_fd, pollback_transport_last_error,
};
pub use waiting::{pollback_transport_fd, pollback_transport_interest, pollback_transport_wait};

/// The direction in which bytes are read.
pub const POLLBACK_READABLE: c_int = 1;

/// The direction in which bytes are written.
pub const POLLBACK_WRITABLE: c_int = 2;

/// Makes pollback_transport_wait continue after a signal handler has run.
pub const POLLBACK_RESTART: c_int = 4;

/// A connected stream socket with the callbacks that rustls-ffi requires.
///
/// It is the userdata of pollback_read, pollback_write and pollback_write_vectored.
#[allow(non_camel_case_types)]
pub struct pollback_transport {
    _private: [u8; 0],
}

/// Called when an attempt that returned EAGAIN may succeed.
///
/// `direction` is POLLBACK_READABLE or POLLBACK_WRITABLE. Spurious calls are possible, and a call
/// may happen before the attempt has returned. If the callback sets a flag, clear the flag before
/// the attempt.
///
/// The callback runs on the thread of the library, which blocks all signals, and delays the
/// callbacks of all other transports. It should only set a flag or wake an event loop. It must not
/// call any function of this header.
#[allow(non_camel_case_types)]
pub type pollback_wake_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, direction: c_int)>;

/// Keeps a panic from unwinding into C.
fn boundary<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

fn code(errno: Errno) -> rustls_io_result {
    rustls_io_result(errno.raw_os_error())
}
