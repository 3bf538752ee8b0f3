//! Creates and frees transports, and returns the last error.

use std::ffi::{c_char, c_int, c_void};
use std::slice;

use rustix::io::Errno;
use rustls_ffi::rustls_io_result;

use crate::transport::Transport;
use crate::wake::Wake;
use crate::{boundary, code, pollback_transport, pollback_wake_callback};

/// Makes a transport of a connected stream socket.
///
/// `wake` may be NULL; if not, it is called with `context` when an attempt that returned EAGAIN may
/// succeed. A connection that is still in progress (a non-blocking connect) is taken too.
///
/// # Errors
///
/// Returns 0 and puts the transport into `*transport_out`. Otherwise returns an errno value
/// (EINVAL, EBADF, ENOTSOCK, EPROTOTYPE or EEXIST) and has changed nothing: neither
/// `*transport_out` nor a flag of `fd`.
///
/// # Threads
///
/// Any thread, also several at the same time.
///
/// # Ownership
///
/// On success the transport owns `fd`: pollback_transport_free closes it, and nothing else may.
/// `fd` is made close-on-exec; its blocking mode stays as it is. After a failure `fd` is still the
/// caller's. The caller owns the transport, and `context`, which must be usable from any thread
/// until pollback_transport_free has returned.
///
/// # Blocking
///
/// Never blocks.
///
/// # Safety
///
/// `transport_out` is NULL or can be written to. Nothing but the transport closes `fd` after
/// success.
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
            Err(errno) => code(errno),
        }
    })
}

/// Returns the message of the last error of a transport: of the last callback that returned neither
/// 0 nor EAGAIN.
///
/// Writes at most `len` bytes to `buf`, the last of which is NUL; a longer message is cut off.
///
/// # Errors
///
/// Returns the length of the whole message without the NUL; 0 if there was no error, or if
/// `transport` is NULL.
///
/// # Threads
///
/// Any thread, also during an attempt.
///
/// # Ownership
///
/// The buffer is used during the call only. `buf` may be NULL, which asks for the length alone.
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
    // SAFETY: as demanded of the caller.
    let Some(transport) = (unsafe { transport.cast::<Transport>().as_ref() }) else {
        return 0;
    };
    boundary(0, || {
        let message = transport.last_error();
        if len > 0 && !buf.is_null() {
            let copied = message.len().min(len - 1);
            // SAFETY: as demanded of the caller.
            let room = unsafe { slice::from_raw_parts_mut(buf.cast::<u8>(), copied + 1) };
            room[..copied].copy_from_slice(&message.as_bytes()[..copied]);
            room[copied] = 0;
        }
        message.len()
    })
}

/// Closes the socket and frees the transport.
///
/// The socket is not shut down first: if the process has forked, the connection lives on in the
/// child.
///
/// # Errors
///
/// None. NULL is allowed and does nothing.
///
/// # Threads
///
/// Any thread, but no other call for the transport may be in progress or follow.
///
/// # Ownership
///
/// The transport and the socket are gone. `context` is the caller's alone: no call of the wake
/// callback is in progress or follows.
///
/// # Blocking
///
/// Blocks while the wake callback of this transport is being called. With the last transport that
/// has one, blocks until the thread has ended.
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
