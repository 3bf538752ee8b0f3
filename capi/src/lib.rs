//! A transport of pollback for C programs that use rustls-ffi; `include/pollback.h` describes it.
//!
//! The comments here are those of the header, which is made from this file.

#![cfg(unix)]

mod reactor;
mod signal;
mod socket;
mod transport;

use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use pollback::callback::Direction;
use pollback::ffi;
use rustix::io::Errno;
use rustls_ffi::io::{
    rustls_iovec, rustls_read_callback, rustls_write_callback, rustls_write_vectored_callback,
};
use rustls_ffi::rustls_io_result;

use signal::Wake;
use transport::Transport;

// The types are those of rustls-ffi, or this does not compile.
const _: rustls_read_callback = Some(pollback_read);
const _: rustls_write_callback = Some(pollback_write);
const _: rustls_write_vectored_callback = Some(pollback_write_vectored);

/// The direction in which bytes come in.
pub const POLLBACK_READABLE: c_int = 1;

/// The direction in which bytes go out.
pub const POLLBACK_WRITABLE: c_int = 2;

/// A socket whose attempts never block, and which says when to try again.
///
/// It is the userdata of pollback_read, pollback_write and pollback_write_vectored.
///
/// It belongs to one thread at a time. A callback that finds another one going on for the same
/// transport answers EBUSY.
#[allow(non_camel_case_types)]
pub struct pollback_transport {
    _private: [u8; 0],
}

/// Called when an attempt that answered EAGAIN may succeed.
///
/// `direction` is POLLBACK_READABLE or POLLBACK_WRITABLE. The call may come from another thread,
/// and it may come before the attempt has answered EAGAIN. It should only make a note or wake a
/// loop; it must not call a function of this header.
#[allow(non_camel_case_types)]
pub type pollback_wake_callback =
    Option<unsafe extern "C" fn(context: *mut c_void, direction: c_int)>;

/// Makes a transport of a connected stream socket.
///
/// On success it answers 0, puts the transport into `*transport_out` and has taken `fd` over: it
/// has been set to non-blocking mode, and pollback_transport_free closes it. Otherwise it answers
/// an errno value, and `fd` is left to the caller.
///
/// `wake` may be NULL. `context` is passed to it; it must be usable from any thread until
/// pollback_transport_free has returned.
///
/// # Safety
///
/// `transport_out` is NULL, which is answered with EINVAL, or can be written to. Nothing but the
/// transport closes `fd` after success.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_from_fd(
    fd: c_int,
    wake: pollback_wake_callback,
    context: *mut c_void,
    transport_out: *mut *mut pollback_transport,
) -> rustls_io_result {
    // SAFETY: as demanded of the caller.
    let Some(transport_out) = (unsafe { transport_out.as_mut() }) else {
        return code(Errno::INVAL);
    };
    // SAFETY: as demanded of the caller.
    let wake = wake.map(|function| unsafe { Wake::new(function, context) });
    boundary(code(Errno::IO), || {
        // SAFETY: as demanded of the caller.
        match unsafe { Transport::from_fd(fd, wake) } {
            Ok(transport) => {
                *transport_out = Box::into_raw(Box::new(transport)).cast();
                rustls_io_result(0)
            }
            Err(error) => {
                rustls_io_result(error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()))
            }
        }
    })
}

/// A rustls_read_callback; `userdata` is a pollback_transport.
///
/// Besides the errors of the socket it answers EAGAIN when nothing has arrived, and EINVAL when an
/// argument is NULL that must not be.
///
/// # Safety
///
/// `userdata` is NULL or a transport. `buf` is NULL or has room for `n` bytes. `out_n` is NULL or
/// can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_read(
    userdata: *mut c_void,
    buf: *mut u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: as demanded of the caller.
    attempt(userdata, Direction::Read, |lent| unsafe {
        ffi::read(lent, buf, n, out_n)
    })
}

/// A rustls_write_callback; `userdata` is a pollback_transport.
///
/// Besides the errors of the socket it answers EAGAIN when the socket takes nothing, and EINVAL
/// when an argument is NULL that must not be. It never raises SIGPIPE.
///
/// # Safety
///
/// `userdata` is NULL or a transport. `buf` is NULL or has `n` bytes. `out_n` is NULL or can be
/// written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_write(
    userdata: *mut c_void,
    buf: *const u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: as demanded of the caller.
    attempt(userdata, Direction::Write, |lent| unsafe {
        ffi::write(lent, buf, n, out_n)
    })
}

/// A rustls_write_vectored_callback; `userdata` is a pollback_transport.
///
/// As pollback_write, for the bytes of `count` iovecs.
///
/// # Safety
///
/// `userdata` is NULL or a transport. `iov` is NULL or has `count` iovecs, each with as many bytes
/// as it says. `out_n` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_write_vectored(
    userdata: *mut c_void,
    iov: *const rustls_iovec,
    count: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: as demanded of the caller.
    attempt(userdata, Direction::Write, |lent| unsafe {
        ffi::write_vectored(lent, iov, count, out_n)
    })
}

/// Waits until an attempt may succeed in one of `directions`, for at most `timeout_ms`
/// milliseconds; for ever if that is negative.
///
/// `directions` is POLLBACK_READABLE, POLLBACK_WRITABLE or both. Answers those of them in which
/// another attempt may succeed, 0 if there was none in time, and -1 if an argument is invalid. A
/// direction counts unless its last attempt answered EAGAIN and nothing has happened since.
///
/// # Safety
///
/// `transport` is NULL or a transport.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_wait(
    transport: *const pollback_transport,
    directions: c_int,
    timeout_ms: c_int,
) -> c_int {
    // SAFETY: as demanded of the caller.
    let Some(transport) = (unsafe { transport.cast::<Transport>().as_ref() }) else {
        return -1;
    };
    if directions & !(POLLBACK_READABLE | POLLBACK_WRITABLE) != 0 || directions == 0 {
        return -1;
    }
    boundary(-1, || transport.wait(directions, timeout_ms))
}

/// Tells the last error of the transport: what a callback that answered neither 0 nor EAGAIN failed
/// with.
///
/// Writes at most `len` bytes to `buf`, the last of which is NUL. Answers how long the whole
/// message is without the NUL, 0 if there was no error. `buf` may be NULL if `len` is 0.
///
/// # Safety
///
/// `transport` is NULL or a transport. `buf` is NULL or has room for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_last_error(
    transport: *const pollback_transport,
    buf: *mut c_char,
    len: usize,
) -> usize {
    // SAFETY: as demanded of the caller.
    let Some(transport) = (unsafe { transport.cast::<Transport>().as_ref() }) else {
        return 0;
    };
    boundary(0, || {
        let message = transport.last_error();
        if len > 0 && !buf.is_null() {
            let told = message.len().min(len - 1);
            // SAFETY: as demanded of the caller.
            let room = unsafe { slice::from_raw_parts_mut(buf.cast::<u8>(), told + 1) };
            room[..told].copy_from_slice(&message.as_bytes()[..told]);
            room[told] = 0;
        }
        message.len()
    })
}

/// Closes the socket and frees the transport.
///
/// No call of the wake callback is going on or will come when it has returned. NULL is fine.
///
/// # Safety
///
/// `transport` is NULL or a transport, and no other call for it is going on or will come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_free(transport: *mut pollback_transport) {
    if transport.is_null() {
        return;
    }
    // SAFETY: `pollback_transport_from_fd` made it of a box, and it is given back once.
    let transport = unsafe { Box::from_raw(transport.cast::<Transport>()) };
    boundary((), || drop(transport));
}

fn attempt(
    userdata: *mut c_void,
    direction: Direction,
    call: impl FnOnce(*mut c_void) -> rustls_io_result,
) -> rustls_io_result {
    // SAFETY: every caller demands that it is null or a transport.
    match unsafe { userdata.cast::<Transport>().as_ref() } {
        Some(transport) => boundary(code(Errno::IO), || transport.attempt(direction, call)),
        None => code(Errno::INVAL),
    }
}

/// Keeps a panic from C.
fn boundary<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

fn code(errno: Errno) -> rustls_io_result {
    rustls_io_result(errno.raw_os_error())
}
