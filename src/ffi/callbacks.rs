//! C callbacks as attempts.

use std::ffi::c_void;
use std::fmt;
use std::io::{self, IoSlice, Read, Write};

use rustls_ffi::io::{rustls_read_callback, rustls_write_callback, rustls_write_vectored_callback};
use rustls_ffi::rustls_io_result;

use super::codes::{INVALID, SUCCESS, error_of};
use crate::callback::{Callback, within};

/// The most slices that are offered in one call: the limit of `writev` on systems that have one.
const SLICES: usize = 1024;

/// The callbacks of a C program, with the signatures of rustls-ffi, as attempts.
///
/// In a [`CallbackIo`](crate::callback::CallbackIo) they are a Tokio transport. Its
/// [`Readiness`](crate::callback::Readiness) wakes the task: usually a
/// [`ReadinessHandle`](crate::callback::ReadinessHandle) that the C program calls, or the descriptor
/// that the callbacks use.
///
/// Any code that a callback returns becomes the `raw_os_error` of the error. `*out_n` is 0 before
/// each call and is read only after a call that returned 0; a count larger than what was offered is
/// an error ([`ErrorKind::OverReported`](crate::ErrorKind::OverReported)). A callback that is NULL
/// fails with `EINVAL`, as in rustls-ffi. No callback is called to read or write 0 bytes.
///
/// ```
/// use pollback::callback::{CallbackIo, ReadinessHandle, Signalled};
/// use pollback::ffi::CCallbacks;
/// use pollback::ffi::rustls_ffi::io::{rustls_read_callback, rustls_write_callback};
/// use std::ffi::c_void;
///
/// /// Creates a transport from what a C program passes to `connect`, for example.
/// ///
/// /// # Safety
/// ///
/// /// As for [`CCallbacks::new`].
/// unsafe fn transport(
///     read: rustls_read_callback,
///     write: rustls_write_callback,
///     userdata: *mut c_void,
/// ) -> (ReadinessHandle, CallbackIo<CCallbacks, Signalled>) {
///     // The C program calls `readable` and `writable` of the handle when another attempt may succeed.
///     let (handle, readiness) = ReadinessHandle::new();
///     // SAFETY: the caller guarantees what `new` requires.
///     let callbacks = unsafe { CCallbacks::new(read, write, userdata) };
///     (handle, CallbackIo::new(callbacks, readiness))
/// }
/// ```
pub struct CCallbacks {
    read: rustls_read_callback,
    write: rustls_write_callback,
    write_vectored: rustls_write_vectored_callback,
    userdata: *mut c_void,
}

impl CCallbacks {
    /// Creates attempts from `read` and `write`, which are called with `userdata`.
    ///
    /// # Safety
    ///
    /// Until the returned value is dropped, the callbacks can be called with `userdata`, one call
    /// at a time, from whichever thread the value is on. They comply with the contract of their
    /// types: they use the buffer and `out_n` only during the call, write at most `n` bytes to the
    /// buffer and never unwind.
    pub unsafe fn new(
        read: rustls_read_callback,
        write: rustls_write_callback,
        userdata: *mut c_void,
    ) -> Self {
        Self {
            read,
            write,
            write_vectored: None,
            userdata,
        }
    }

    /// Adds a callback that writes several slices in one call.
    ///
    /// Without it, or with NULL, a vectored write passes its first slice that is not empty to
    /// `write`.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    #[must_use]
    pub unsafe fn with_write_vectored(
        self,
        write_vectored: rustls_write_vectored_callback,
    ) -> Self {
        Self {
            write_vectored,
            ..self
        }
    }

    /// Returns the userdata that the callbacks are called with.
    pub fn userdata(&self) -> *mut c_void {
        self.userdata
    }
}

// SAFETY: `new` and `with_write_vectored` require callbacks and userdata that can be used from any
// thread, one call at a time.
unsafe impl Send for CCallbacks {}

// SAFETY: nothing is called through a shared reference; it only exposes the pointers.
unsafe impl Sync for CCallbacks {}

impl Read for CCallbacks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let read = self.read.ok_or_else(|| error_of(INVALID))?;
        answer(buf.len(), |out_n| {
            // SAFETY: `new` requires that the call is sound; the buffer and `out_n` outlive it.
            unsafe { read(self.userdata, buf.as_mut_ptr(), buf.len(), out_n) }
        })
    }
}

impl Write for CCallbacks {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let write = self.write.ok_or_else(|| error_of(INVALID))?;
        answer(buf.len(), |out_n| {
            // SAFETY: `new` requires that the call is sound; the buffer and `out_n` outlive it.
            unsafe { write(self.userdata, buf.as_ptr(), buf.len(), out_n) }
        })
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        // If the limit truncates the list, it must include a non-empty slice, or the result would
        // have to be 0.
        let Some(first) = bufs.iter().position(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let Some(write_vectored) = self.write_vectored else {
            return self.write(&bufs[first]);
        };
        let bufs = &bufs[first..bufs.len().min(first + SLICES)];
        let offered = bufs
            .iter()
            .fold(0, |sum: usize, buf| sum.saturating_add(buf.len()));
        answer(offered, |out_n| {
            // SAFETY: `with_write_vectored` requires that the call is sound. `IoSlice` has the
            // layout of the type behind `rustls_iovec`; the slices and `out_n` outlive the call.
            unsafe { write_vectored(self.userdata, bufs.as_ptr().cast(), bufs.len(), out_n) }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Callback for CCallbacks {
    fn has_write_vectored(&self) -> bool {
        self.write_vectored.is_some()
    }
}

impl fmt::Debug for CCallbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CCallbacks")
            .field("userdata", &self.userdata)
            .finish_non_exhaustive()
    }
}

/// Makes a call, and converts what it returns into a result.
fn answer(offered: usize, call: impl FnOnce(&mut usize) -> rustls_io_result) -> io::Result<usize> {
    let mut count = 0;
    match call(&mut count) {
        SUCCESS => within(offered, Ok(count)),
        code => Err(error_of(code)),
    }
}
