//! A transport with a fixed result, and the calls that a C program makes.

use std::ffi::c_void;
use std::io::{self, IoSlice, Read, Write};

use pollback::ffi;

/// Returns the same result for every attempt, and counts them.
pub(crate) struct Fixed<F> {
    answer: F,
    pub(crate) calls: usize,
}

impl<F: FnMut(usize) -> io::Result<usize>> Fixed<F> {
    /// Returns the result of `answer` for the size of the offer.
    pub(crate) fn new(answer: F) -> Self {
        Self { answer, calls: 0 }
    }

    fn next(&mut self, offered: usize) -> io::Result<usize> {
        self.calls += 1;
        (self.answer)(offered)
    }
}

impl<F: FnMut(usize) -> io::Result<usize>> Read for Fixed<F> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.next(buf.len())
    }
}

impl<F: FnMut(usize) -> io::Result<usize>> Write for Fixed<F> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.next(buf.len())
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.next(bufs.iter().map(|buf| buf.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a C program sees after a call: the code, and the count, which was `UNSET` before.
pub(crate) type Seen = (i32, usize);

pub(crate) const UNSET: usize = 77;

/// Calls `read` with room for four bytes.
pub(crate) fn read(userdata: *mut c_void) -> Seen {
    let (mut room, mut count) = ([0; 4], UNSET);
    // SAFETY: the buffer and the count are valid.
    let code = unsafe { ffi::read(userdata, room.as_mut_ptr(), room.len(), &mut count) };
    (code.0, count)
}

/// Calls `write` with four bytes.
pub(crate) fn write(userdata: *mut c_void) -> Seen {
    let mut count = UNSET;
    // SAFETY: the bytes and the count are valid.
    let code = unsafe { ffi::write(userdata, b"abcd".as_ptr(), 4, &mut count) };
    (code.0, count)
}

/// Calls `write_vectored` with four bytes in two slices.
pub(crate) fn write_vectored(userdata: *mut c_void) -> Seen {
    let mut count = UNSET;
    let slices = [IoSlice::new(b"a"), IoSlice::new(b"bcd")];
    let iov = slices.as_ptr().cast();
    // SAFETY: the slices and the count are valid.
    let code = unsafe { ffi::write_vectored(userdata, iov, slices.len(), &mut count) };
    (code.0, count)
}
