//! The three callbacks.

use std::ffi::c_void;

use pollback::callback::Direction;
use pollback::ffi;
use rustix::io::Errno;
use rustls_ffi::io::{
    rustls_iovec, rustls_read_callback, rustls_write_callback, rustls_write_vectored_callback,
};
use rustls_ffi::rustls_io_result;

use crate::transport::Transport;
use crate::{boundary, code};

// Compiles only if the types are those of rustls-ffi.
const _: rustls_read_callback = Some(pollback_read);
const _: rustls_write_callback = Some(pollback_write);
const _: rustls_write_vectored_callback = Some(pollback_write_vectored);

/// Makes one attempt to read at most `n` bytes: a rustls_read_callback.
///
/// `userdata` is a pollback_transport. Stores the number of bytes read in `*out_n`; 0 is the end of
/// the stream.
///
/// # Errors
///
/// Returns 0 on success. On failure returns an errno value and does not change `*out_n`: EAGAIN if
/// nothing has arrived, EINVAL if an argument is NULL, EBUSY, ENOMEM, or the error of the socket.
///
/// # Threads
///
/// Any thread, but only one attempt at a time on each transport: further attempts return EBUSY.
///
/// # Ownership
///
/// The buffer and `out_n` are used only during the call.
///
/// # Blocking
///
/// Never blocks, whatever the blocking mode of the socket.
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
    // SAFETY: guaranteed by the caller. Memory of C counts as initialised, with contents that are not
    // known: what happened to it before is not visible to Rust.
    attempt(userdata, Direction::Read, |lent| unsafe {
        ffi::read(lent, buf, n, out_n)
    })
}

/// Makes one attempt to write at most `n` bytes: a rustls_write_callback.
///
/// `userdata` is a pollback_transport. Stores the number of bytes written in `*out_n`.
///
/// # Errors
///
/// Returns 0 on success. On failure returns an errno value and does not change `*out_n`: EAGAIN if
/// the socket has no room, EINVAL if an argument is NULL, EPIPE if the connection is closed, EBUSY,
/// ENOMEM, or the error of the socket. Never raises SIGPIPE.
///
/// # Threads
///
/// As for pollback_read.
///
/// # Ownership
///
/// As for pollback_read.
///
/// # Blocking
///
/// As for pollback_read.
///
/// # Safety
///
/// `userdata` is NULL or a transport. `buf` is NULL or points to `n` bytes. `out_n` is NULL or can
/// be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_write(
    userdata: *mut c_void,
    buf: *const u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: guaranteed by the caller.
    attempt(userdata, Direction::Write, |lent| unsafe {
        ffi::write(lent, buf, n, out_n)
    })
}

/// Makes one attempt to write the bytes of `count` iovecs: a rustls_write_vectored_callback.
///
/// `userdata` is a pollback_transport. Stores the number of bytes written, counted across the
/// iovecs, in `*out_n`.
///
/// # Errors
///
/// As for pollback_write; also EINVAL if an iovec that is not empty points to NULL.
///
/// # Threads
///
/// As for pollback_read.
///
/// # Ownership
///
/// As for pollback_read.
///
/// # Blocking
///
/// As for pollback_read.
///
/// # Safety
///
/// `userdata` is NULL or a transport. `iov` is NULL or points to `count` iovecs, each of which is
/// valid for its length. `out_n` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_write_vectored(
    userdata: *mut c_void,
    iov: *const rustls_iovec,
    count: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: guaranteed by the caller.
    attempt(userdata, Direction::Write, |lent| unsafe {
        ffi::write_vectored(lent, iov, count, out_n)
    })
}

fn attempt(
    userdata: *mut c_void,
    direction: Direction,
    call: impl FnOnce(*mut c_void) -> rustls_io_result,
) -> rustls_io_result {
    // SAFETY: every caller requires it to be null or a transport.
    match unsafe { userdata.cast::<Transport>().as_ref() } {
        Some(transport) => boundary(code(Errno::IO), || transport.attempt(direction, call)),
        None => code(Errno::INVAL),
    }
}
