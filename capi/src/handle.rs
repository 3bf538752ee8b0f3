//! Creates and frees transports, and returns the last error.

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;

use rustix::io::Errno;
use rustls_ffi::rustls_io_result;

use crate::transport::Transport;
use crate::wake::Wake;
use crate::{boundary, code, pollback_transport, pollback_wake_callback};

/// Creates a transport from a connected stream socket.
///
/// `wake` may be NULL; if not, it is called with `context` when an attempt that returned EAGAIN may
/// succeed. The connection may still be in progress (a non-blocking connect).
///
/// # Errors
///
/// Returns 0 and stores the transport in `*transport_out`. On failure returns an errno value
/// (EINVAL, EBADF, ENOTSOCK, EPROTOTYPE or EEXIST) and changes neither `*transport_out` nor the
/// flags of `fd`.
///
/// # Threads
///
/// Any thread, also several at the same time.
///
/// # Ownership
///
/// On success the transport owns `fd`: pollback_transport_free closes it, and nothing else may.
/// `fd` is made close-on-exec; its blocking mode is not changed. On failure the caller still owns
/// `fd`. The caller owns the transport and `context`, which must be usable from any thread until
/// pollback_transport_free has returned.
///
/// # Blocking
///
/// Never blocks.
///
/// # Safety
///
/// `transport_out` is NULL or can be written to. After success nothing but the transport closes
/// `fd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_from_fd(
    fd: c_int,
    wake: pollback_wake_callback,
    context: *mut c_void,
    transport_out: *mut *mut pollback_transport,
) -> rustls_io_result {
    // SAFETY: guaranteed by the caller; the pointer there may be uninitialised.
    let transport_out = unsafe { transport_out.cast::<MaybeUninit<_>>().as_mut() };
    let Some(transport_out) = transport_out else {
        return code(Errno::INVAL);
    };
    // SAFETY: guaranteed by the caller.
    let wake = wake.map(|function| unsafe { Wake::new(function, context) });
    boundary(code(Errno::IO), || {
        // SAFETY: guaranteed by the caller.
        match unsafe { Transport::from_fd(fd, wake) } {
            Ok(transport) => {
                let transport: *mut pollback_transport = Box::into_raw(Box::new(transport)).cast();
                transport_out.write(transport);
                rustls_io_result(0)
            }
            Err(errno) => code(errno),
        }
    })
}

/// Returns the message of the last error of a transport: the error of the last callback that
/// returned neither 0 nor EAGAIN.
///
/// Writes at most `len` bytes to `buf`, including the terminating NUL; a longer message is
/// truncated.
///
/// # Errors
///
/// Returns the length of the whole message without the NUL, or 0 if there was no error or
/// `transport` is NULL.
///
/// # Threads
///
/// Any thread, also during an attempt.
///
/// # Ownership
///
/// The buffer is used only during the call. `buf` may be NULL to get only the length.
///
/// # Blocking
///
/// Never blocks.
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
    // SAFETY: guaranteed by the caller.
    let Some(transport) = (unsafe { transport.cast::<Transport>().as_ref() }) else {
        return 0;
    };
    boundary(0, || {
        let message = transport.last_error();
        if len > 0 && !buf.is_null() {
            let copied = message.len().min(len - 1);
            let buf = buf.cast::<u8>();
            // SAFETY: the caller guarantees room for `len` bytes, of which this writes no more.
            unsafe {
                buf.copy_from_nonoverlapping(message.as_ptr(), copied);
                buf.add(copied).write(0);
            }
        }
        message.len()
    })
}

/// Closes the socket and frees the transport.
///
/// The socket is not shut down first: if the process has forked, the connection stays open in the
/// child.
///
/// # Errors
///
/// None. Does nothing if `transport` is NULL.
///
/// # Threads
///
/// Any thread, but no other call for the transport may be in progress or follow.
///
/// # Ownership
///
/// The transport and the socket must not be used any more. The library no longer uses `context`: no
/// call of the wake callback is in progress or follows.
///
/// # Blocking
///
/// Blocks while a call of the wake callback of this transport is in progress. If this is the last
/// transport that has one, also blocks until the thread has ended.
///
/// # Safety
///
/// `transport` is NULL or a transport, and no other call for it is in progress or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pollback_transport_free(transport: *mut pollback_transport) {
    if transport.is_null() {
        return;
    }
    // SAFETY: `pollback_transport_from_fd` created it from a box, and it is freed once.
    let transport = unsafe { Box::from_raw(transport.cast::<Transport>()) };
    boundary((), || drop(transport));
}
