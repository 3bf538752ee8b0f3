//! C callbacks that follow a script.

use std::collections::VecDeque;
use std::ffi::{c_int, c_void};
use std::io::IoSlice;
use std::ptr;
use std::slice;

use pollback::ffi::CCallbacks;
use pollback::ffi::rustls_ffi::io::rustls_iovec;
use pollback::ffi::rustls_ffi::rustls_io_result;

/// The result of a callback at the end of its script.
pub(crate) const UNSCRIPTED: c_int = 7777;

/// The behaviour of one call.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    /// Its result.
    pub(crate) code: c_int,
    /// What it stores in `*out_n`, if anything.
    pub(crate) count: Option<usize>,
}

/// Stores or accepts this many bytes, as far as the offer allows, and reports this many in any
/// case.
pub(crate) const fn moves(count: usize) -> Step {
    Step {
        code: 0,
        count: Some(count),
    }
}

pub(crate) const fn fails(code: c_int) -> Step {
    Step { code, count: None }
}

/// The userdata of scripted callbacks.
#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    offers: Vec<Vec<usize>>,
    taken: Vec<u8>,
    dirty: bool,
}

/// Owns a script, which the callbacks reach by its address.
pub(crate) struct Scripted(*mut Script);

impl Scripted {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(Box::into_raw(Box::new(Script {
            steps: steps.into_iter().collect(),
            ..Script::default()
        })))
    }

    /// All three callbacks.
    pub(crate) fn callbacks(&self) -> CCallbacks {
        // SAFETY: every test drops the callbacks before the script.
        unsafe {
            self.scalar_callbacks()
                .with_write_vectored(Some(scripted_write_vectored))
        }
    }

    /// The callbacks without the one for vectored writes.
    pub(crate) fn scalar_callbacks(&self) -> CCallbacks {
        // SAFETY: every test drops the callbacks before the script.
        unsafe { CCallbacks::new(Some(scripted_read), Some(scripted_write), self.0.cast()) }
    }

    /// The lengths of the slices of each call.
    pub(crate) fn offers(&self) -> Vec<Vec<usize>> {
        // SAFETY: no callback is running, and the script is alive.
        unsafe { (*self.0).offers.clone() }
    }

    /// The bytes that were accepted.
    pub(crate) fn taken(&self) -> Vec<u8> {
        // SAFETY: no callback is running, and the script is alive.
        unsafe { (*self.0).taken.clone() }
    }

    /// Whether `*out_n` was anything but 0 before a call.
    pub(crate) fn saw_dirty_count(&self) -> bool {
        // SAFETY: no callback is running, and the script is alive.
        unsafe { (*self.0).dirty }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // SAFETY: it was created by `Box::into_raw`, and is freed once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// The bytes that scripted reads store.
pub(crate) const STORED: u8 = b'x';

unsafe extern "C" fn scripted_read(
    userdata: *mut c_void,
    buf: *mut u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the userdata is that of `Scripted`; the rest is guaranteed to every callback.
    let (script, out_n) = unsafe { (&mut *userdata.cast::<Script>(), &mut *out_n) };
    let step = script.next(vec![n], out_n);
    if let Some(count) = step.count {
        // SAFETY: no more than the `n` bytes that the buffer has.
        unsafe { ptr::write_bytes(buf, STORED, count.min(n)) };
        *out_n = count;
    }
    rustls_io_result(step.code)
}

unsafe extern "C" fn scripted_write(
    userdata: *mut c_void,
    buf: *const u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the userdata is that of `Scripted`; the rest is guaranteed to every callback.
    let (script, out_n, buf) = unsafe {
        (
            &mut *userdata.cast::<Script>(),
            &mut *out_n,
            slice::from_raw_parts(buf, n),
        )
    };
    let step = script.next(vec![n], out_n);
    if let Some(count) = step.count {
        script.taken.extend(&buf[..count.min(n)]);
        *out_n = count;
    }
    rustls_io_result(step.code)
}

unsafe extern "C" fn scripted_write_vectored(
    userdata: *mut c_void,
    iov: *const rustls_iovec,
    count: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: the userdata is that of `Scripted`; the rest is guaranteed to every callback.
    let (script, out_n, slices) = unsafe {
        (
            &mut *userdata.cast::<Script>(),
            &mut *out_n,
            slice::from_raw_parts(iov.cast::<IoSlice<'_>>(), count),
        )
    };
    let step = script.next(slices.iter().map(|slice| slice.len()).collect(), out_n);
    if let Some(count) = step.count {
        let bytes = slices.iter().flat_map(|slice| slice.iter());
        script.taken.extend(bytes.take(count));
        *out_n = count;
    }
    rustls_io_result(step.code)
}

impl Script {
    fn next(&mut self, offer: Vec<usize>, out_n: &usize) -> Step {
        self.offers.push(offer);
        self.dirty |= *out_n != 0;
        self.steps.pop_front().unwrap_or(fails(UNSCRIPTED))
    }
}
