//! C callbacks over a socket, as a Tokio transport.

use std::ffi::c_void;
use std::io::{self, IoSlice, Read, Write};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::slice;
use std::sync::Arc;

use pollback::callback::{CallbackIo, Descriptor};
use pollback::ffi::CCallbacks;
use pollback::ffi::rustls_ffi::io::rustls_iovec;
use pollback::ffi::rustls_ffi::rustls_io_result;

/// A transport whose callbacks use the socket.
pub(crate) fn transport(
    socket: &Arc<UnixStream>,
    vectored: bool,
) -> io::Result<CallbackIo<CCallbacks, Descriptor<Arc<UnixStream>>>> {
    socket.set_nonblocking(true)?;
    let descriptor = Descriptor::new(Arc::clone(socket))?;
    let userdata = ptr::from_ref::<UnixStream>(socket).cast_mut().cast();
    // SAFETY: the socket lives as long as the descriptor, which the callbacks own.
    let callbacks = unsafe {
        CCallbacks::new(Some(socket_read), Some(socket_write), userdata)
            .with_write_vectored(vectored.then_some(socket_write_vectored as _))
    };
    Ok(CallbackIo::new(callbacks, descriptor))
}

unsafe extern "C" fn socket_read(
    userdata: *mut c_void,
    buf: *mut u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the userdata is a socket; the rest is guaranteed to every callback.
    unsafe {
        let mut socket = &*userdata.cast::<UnixStream>();
        let room = slice::from_raw_parts_mut(buf, n);
        answer(socket.read(room), out_n)
    }
}

unsafe extern "C" fn socket_write(
    userdata: *mut c_void,
    buf: *const u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the userdata is a socket; the rest is guaranteed to every callback.
    unsafe {
        let mut socket = &*userdata.cast::<UnixStream>();
        answer(socket.write(slice::from_raw_parts(buf, n)), out_n)
    }
}

unsafe extern "C" fn socket_write_vectored(
    userdata: *mut c_void,
    iov: *const rustls_iovec,
    count: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the userdata is a socket; the rest is guaranteed to every callback.
    unsafe {
        let mut socket = &*userdata.cast::<UnixStream>();
        let slices = slice::from_raw_parts(iov.cast::<IoSlice<'_>>(), count);
        answer(socket.write_vectored(slices), out_n)
    }
}

/// # Safety
///
/// `out_n` can be written to.
unsafe fn answer(result: io::Result<usize>, out_n: *mut usize) -> rustls_io_result {
    match result {
        Ok(count) => {
            // SAFETY: guaranteed by the caller.
            unsafe { *out_n = count };
            rustls_io_result(0)
        }
        Err(error) => rustls_io_result(error.raw_os_error().expect("a code of the system")),
    }
}
