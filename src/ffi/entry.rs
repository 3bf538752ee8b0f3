//! The three callbacks that C calls.

use std::ffi::c_void;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::slice;

use rustls_ffi::io::{
    rustls_iovec, rustls_read_callback, rustls_write_callback, rustls_write_vectored_callback,
};
use rustls_ffi::rustls_io_result;

use super::codes::{INVALID, SUCCESS, error_of};
use super::lend::{Lent, attempt};
use crate::callback::within;

// Fails to compile unless the types are those of rustls-ffi.
const _: rustls_read_callback = Some(read);
const _: rustls_write_callback = Some(write);
const _: rustls_write_vectored_callback = Some(write_vectored);

/// No slice is longer than this.
const LONGEST: usize = isize::MAX as usize;

/// A `rustls_read_callback` that reads from what [`lend_read`](super::lend_read) lends.
///
/// Returns `EINVAL` for a NULL `out_n`, for a NULL `buf` with a length, and for a `userdata` that
/// does not name a loan for reading. A length of 0 reads 0 bytes.
///
/// # Safety
///
/// `buf` is NULL or points to `n` initialised bytes, and `out_n` is NULL or points to a count; both
/// can be written to until the function returns. `userdata` can be anything.
pub unsafe extern "C" fn read(
    userdata: *mut c_void,
    buf: *mut u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: guaranteed by the caller; the count may be uninitialised.
    let out_n = unsafe { out_n.cast::<MaybeUninit<usize>>().as_mut() };
    let offer = match n {
        0 => Some(&mut [][..]),
        _ if buf.is_null() => None,
        // SAFETY: guaranteed by the caller, and no longer than a slice may be.
        n => Some(unsafe { slice::from_raw_parts_mut(buf, n.min(LONGEST)) }),
    };
    answer(userdata, out_n, offer, |offer, lent| match lent {
        // SAFETY: the pointer is to a borrow that lasts as long as the loan, which `attempt` has
        // found to be in progress and does not hand out a second time before we return.
        Lent::Source(source) => unsafe { &mut *source }.read(offer),
        Lent::Sink(_) => Err(error_of(INVALID)),
    })
}

/// A `rustls_write_callback` that writes to what [`lend_write`](super::lend_write) lends.
///
/// Returns `EINVAL` for a NULL `out_n`, for a NULL `buf` with a length, and for a `userdata` that
/// does not name a loan for writing. A length of 0 writes 0 bytes.
///
/// # Safety
///
/// `buf` is NULL or points to `n` bytes that do not change until the function returns. `out_n` is
/// NULL or points to a count that can be written to until then. `userdata` can be anything.
pub unsafe extern "C" fn write(
    userdata: *mut c_void,
    buf: *const u8,
    n: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: guaranteed by the caller; the count may be uninitialised.
    let out_n = unsafe { out_n.cast::<MaybeUninit<usize>>().as_mut() };
    let offer = match n {
        0 => Some(&[][..]),
        _ if buf.is_null() => None,
        // SAFETY: guaranteed by the caller, and no longer than a slice may be.
        n => Some(unsafe { slice::from_raw_parts(buf, n.min(LONGEST)) }),
    };
    answer(userdata, out_n, offer, |offer, lent| match lent {
        Lent::Source(_) => Err(error_of(INVALID)),
        // SAFETY: the pointer is to a borrow that lasts as long as the loan, which `attempt` has
        // found to be in progress and does not hand out a second time before we return.
        Lent::Sink(sink) => unsafe { &mut *sink }.write(offer),
    })
}

/// A `rustls_write_vectored_callback` that writes to what [`lend_write`](super::lend_write) lends.
///
/// Returns `EINVAL` for a NULL `out_n`, for a NULL `iov` with a count, and for a `userdata` that
/// does not name a loan for writing. Slices without bytes write 0 bytes; an empty slice may point
/// anywhere.
///
/// # Safety
///
/// `iov` is NULL or points to `count` of what the system calls `struct iovec` (`WSABUF` on
/// Windows), each of which is valid for its length. None of this changes until the function
/// returns. `out_n` is NULL or points to a count that can be written to until then. `userdata` can
/// be anything.
pub unsafe extern "C" fn write_vectored(
    userdata: *mut c_void,
    iov: *const rustls_iovec,
    count: usize,
    out_n: *mut usize,
) -> rustls_io_result {
    // SAFETY: guaranteed by the caller; the count may be uninitialised.
    let out_n = unsafe { out_n.cast::<MaybeUninit<usize>>().as_mut() };
    let system: &[Iovec] = match count {
        0 => &[],
        _ if iov.is_null() => return INVALID,
        // SAFETY: guaranteed by the caller; `Iovec` is the system's type.
        count => unsafe { slice::from_raw_parts(iov.cast(), count) },
    };
    let without_null;
    let offer = if system.iter().any(|part| base(part).is_null()) {
        // In C an empty slice may be a null pointer; in Rust it may not.
        without_null = system.iter().map(to_slice).collect::<Option<Vec<_>>>();
        without_null.as_deref()
    } else {
        // SAFETY: `IoSlice` has the layout of the system's type, and none of them is null.
        Some(unsafe { slice::from_raw_parts(system.as_ptr().cast(), system.len()) })
    };
    answer(userdata, out_n, offer, |offer, lent| match lent {
        Lent::Source(_) => Err(error_of(INVALID)),
        // SAFETY: the pointer is to a borrow that lasts as long as the loan, which `attempt` has
        // found to be in progress and does not hand out a second time before we return.
        Lent::Sink(sink) => unsafe { &mut *sink }.write_vectored(offer),
    })
}

#[cfg(not(windows))]
type Iovec = libc::iovec;

#[cfg(not(windows))]
fn base(part: &Iovec) -> *const u8 {
    part.iov_base.cast_const().cast()
}

#[cfg(not(windows))]
fn length(part: &Iovec) -> usize {
    part.iov_len
}

/// `WSABUF`.
#[cfg(windows)]
#[repr(C)]
struct Iovec {
    length: u32,
    base: *mut u8,
}

#[cfg(windows)]
fn base(part: &Iovec) -> *const u8 {
    part.base
}

#[cfg(windows)]
fn length(part: &Iovec) -> usize {
    part.length as usize
}

/// `None` for a slice with a length but a null pointer.
fn to_slice(part: &Iovec) -> Option<IoSlice<'_>> {
    match length(part) {
        0 => Some(IoSlice::new(&[])),
        _ if base(part).is_null() => None,
        // SAFETY: guaranteed by the caller of `write_vectored`, from which all parts come.
        length => Some(IoSlice::new(unsafe {
            slice::from_raw_parts(base(part), length)
        })),
    }
}

/// What can be offered to a transport.
trait Offer {
    fn size(&self) -> usize;
}

impl Offer for &mut [u8] {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Offer for &[u8] {
    fn size(&self) -> usize {
        self.len()
    }
}

impl Offer for &[IoSlice<'_>] {
    fn size(&self) -> usize {
        self.iter()
            .fold(0, |sum: usize, slice| sum.saturating_add(slice.len()))
    }
}

/// Makes the attempt, and returns its result in the form that C expects.
fn answer<O: Offer>(
    userdata: *mut c_void,
    out_n: Option<&mut MaybeUninit<usize>>,
    offer: Option<O>,
    make: impl FnOnce(O, Lent) -> io::Result<usize>,
) -> rustls_io_result {
    let (Some(out_n), Some(offer)) = (out_n, offer) else {
        return INVALID;
    };
    let offered = offer.size();
    let answer = attempt(userdata, |lent| match offered {
        0 => Ok(0),
        _ => within(offered, make(offer, lent)),
    });
    match answer {
        Ok(count) => {
            out_n.write(count);
            SUCCESS
        }
        Err(code) => code,
    }
}
