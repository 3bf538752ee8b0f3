//! Vectored writes from C to a transport.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Waker};

use pollback::callback::Attempt;
use pollback::ffi::{self, lend_write};
use pollback_testkit::pipe::{Operation, pipe};

/// What C calls `struct iovec`.
fn iovec(bytes: &'static [u8]) -> libc::iovec {
    libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    }
}

fn null(length: usize) -> libc::iovec {
    libc::iovec {
        iov_base: ptr::null_mut(),
        iov_len: length,
    }
}

/// Offers the slices once to what is lent.
fn offer(sink: &mut dyn Write, slices: &[libc::iovec]) -> io::Result<usize> {
    lend_write(sink, |userdata, out_n| {
        // SAFETY: the slices and the count are valid.
        unsafe { ffi::write_vectored(userdata, slices.as_ptr().cast(), slices.len(), out_n) }
    })
}

/// Records the slices that it is offered, and accepts this many bytes.
struct Noting {
    room: usize,
    offers: Vec<Vec<Vec<u8>>>,
}

impl Write for Noting {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        unreachable!("only vectored writes are made here")
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.offers
            .push(bufs.iter().map(|buf| buf.to_vec()).collect());
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        Ok(self.room.min(offered))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn all_slices_go_in_one_call_in_order() {
    let mut sink = Noting {
        room: usize::MAX,
        offers: Vec::new(),
    };
    let slices = vec![iovec(b"ab"); 64];
    assert_eq!(offer(&mut sink, &slices).unwrap(), 128);
    assert_eq!(sink.offers, [vec![b"ab".to_vec(); 64]]);
}

#[test]
fn an_empty_slice_may_be_null() {
    let mut sink = Noting {
        room: usize::MAX,
        offers: Vec::new(),
    };
    let slices = [null(0), iovec(b"ab"), null(0), iovec(b""), iovec(b"c")];
    assert_eq!(offer(&mut sink, &slices).unwrap(), 3);
    let expected: [&[u8]; 5] = [b"", b"ab", b"", b"", b"c"];
    assert_eq!(sink.offers, [expected.map(<[u8]>::to_vec)]);
}

#[test]
fn a_slice_with_bytes_may_not_be_null() {
    let mut sink = Noting {
        room: usize::MAX,
        offers: Vec::new(),
    };
    let slices = [iovec(b"ab"), null(1)];
    let error = offer(&mut sink, &slices).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    assert!(sink.offers.is_empty());
}

#[test]
fn a_count_may_end_inside_a_slice_or_on_its_edge() {
    for room in 1..=6 {
        let mut sink = Noting {
            room,
            offers: Vec::new(),
        };
        let slices = [iovec(b"ab"), iovec(b"c"), iovec(b"def")];
        assert_eq!(offer(&mut sink, &slices).unwrap(), room);
    }
}

#[test]
fn a_transport_without_vectored_writes_receives_the_first_slice_with_bytes() {
    let slices = [null(0), iovec(b"ab"), iovec(b"c")];
    let mut cx = Context::from_waker(Waker::noop());
    for (scalar, bytes) in [(true, &b"ab"[..]), (false, b"abc")] {
        let (mut end, _peer) = pipe(64);
        let control = end.control();
        if scalar {
            control.scalar();
        }
        let mut attempt = Attempt::new(Pin::new(&mut end), &mut cx);
        assert_eq!(offer(&mut attempt, &slices).unwrap(), bytes.len());
        assert_eq!(control.written(), bytes);
    }
}

#[test]
fn one_byte_at_a_time_is_counted_one_by_one() {
    let mut cx = Context::from_waker(Waker::noop());
    let (mut end, _peer) = pipe(64);
    let control = end.control();
    control.at_most(Operation::Write, 1);
    let mut slices = [IoSlice::new(b"ab"), IoSlice::new(b"c")];
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        let mut attempt = Attempt::new(Pin::new(&mut end), &mut cx);
        let taken = lend_write(&mut attempt, |userdata, out_n| {
            // SAFETY: the slices and the count are valid.
            unsafe { ffi::write_vectored(userdata, rest.as_ptr().cast(), rest.len(), out_n) }
        });
        assert_eq!(taken.unwrap(), 1);
        IoSlice::advance_slices(&mut rest, 1);
    }
    assert_eq!(control.written(), b"abc");
    assert_eq!(control.counts().vectored.calls, 3);
}
