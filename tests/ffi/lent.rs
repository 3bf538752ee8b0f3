//! A transport lent to C: what its results become in C, and how its errors are returned in Rust.

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Waker};

use pollback::callback::Attempt;
use pollback::ffi::rustls_ffi::rustls_io_result;
use pollback::ffi::{self, lend_read, lend_write};
use pollback::{Error, ErrorKind};
use pollback_testkit::pipe::{Answer, Operation, pipe};

use crate::fixed::{Fixed, Seen, UNSET, read, write, write_vectored};

/// Lends a transport with this result in each of the three ways; returns what C has seen, and the
/// result in Rust.
pub(crate) fn each_way(
    answer: impl Fn(usize) -> io::Result<usize>,
) -> [(Seen, io::Result<usize>); 3] {
    let mut transport = Fixed::new(answer);
    let mut seen = [(0, 0); 3];
    let [by_read, by_write, by_vectored] = &mut seen;
    let answers = [
        lend_read(&mut transport, |userdata, out_n| {
            report(by_read, read(userdata), out_n)
        }),
        lend_write(&mut transport, |userdata, out_n| {
            report(by_write, write(userdata), out_n)
        }),
        lend_write(&mut transport, |userdata, out_n| {
            report(by_vectored, write_vectored(userdata), out_n)
        }),
    ];
    let mut seen = seen.into_iter();
    answers.map(|answer| (seen.next().expect("one for each"), answer))
}

/// Records what C has seen, and returns it as one of the functions of rustls-ffi would.
fn report(seen: &mut Seen, now: Seen, out_n: *mut usize) -> rustls_io_result {
    *seen = now;
    // SAFETY: the count is expected here.
    unsafe { *out_n = now.1 };
    rustls_io_result(now.0)
}

#[test]
fn a_count_is_passed_on() {
    for count in [0, 1, 4] {
        for (seen, answer) in each_way(|_| Ok(count)) {
            assert_eq!(seen, (0, count));
            assert_eq!(answer.unwrap(), count);
        }
    }
}

#[test]
fn more_than_was_offered_is_rejected_and_not_counted() {
    for excess in [1, usize::MAX - 4] {
        for (seen, answer) in each_way(|offered| Ok(offered + excess)) {
            assert_eq!(seen, (libc::EIO, UNSET));
            let error = Error::find(&answer.unwrap_err()).expect("an error of this crate");
            assert_eq!(error.kind(), ErrorKind::OverReported);
        }
    }
}

#[test]
fn a_code_is_passed_on_and_the_count_is_not_changed() {
    for code in [libc::EAGAIN, libc::EINTR, libc::EPIPE, 4096, -1, i32::MIN] {
        for (seen, answer) in each_way(|_| Err(io::Error::from_raw_os_error(code))) {
            assert_eq!(seen, (code, UNSET));
            assert_eq!(answer.unwrap_err().raw_os_error(), Some(code));
        }
    }
}

#[test]
fn an_error_of_code_0_is_still_an_error() {
    for (seen, answer) in each_way(|_| Err(io::Error::from_raw_os_error(0))) {
        assert_eq!(seen, (libc::EIO, UNSET));
        assert_eq!(answer.unwrap_err().raw_os_error(), Some(0));
    }
}

/// An error that has no code.
#[derive(Debug)]
struct Own;

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transport's own error")
    }
}

impl std::error::Error for Own {}

#[test]
fn an_error_without_a_code_is_returned_as_the_same_object() {
    for (kind, code) in [
        (io::ErrorKind::BrokenPipe, libc::EPIPE),
        (io::ErrorKind::ConnectionReset, libc::ECONNRESET),
        (io::ErrorKind::ConnectionAborted, libc::ECONNABORTED),
        (io::ErrorKind::NotConnected, libc::ENOTCONN),
        (io::ErrorKind::TimedOut, libc::ETIMEDOUT),
        (io::ErrorKind::WouldBlock, libc::EAGAIN),
        (io::ErrorKind::Interrupted, libc::EINTR),
        (io::ErrorKind::Other, libc::EIO),
        (io::ErrorKind::UnexpectedEof, libc::EIO),
    ] {
        for (seen, answer) in each_way(|_| Err(io::Error::new(kind, Own))) {
            assert_eq!(seen, (code, UNSET));
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Own>()));
        }
    }
}

#[test]
fn the_latest_error_is_kept_if_it_is_the_one_that_is_reported() {
    // C tries again and succeeds: there is no error.
    let mut answers = [Err(io::Error::other(Own)), Ok(3)].into_iter();
    let mut sink = Fixed::new(|_| answers.next().expect("two calls"));
    let answer = lend_write(&mut sink, |userdata, out_n| {
        write(userdata);
        report(&mut (0, 0), write(userdata), out_n)
    });
    assert_eq!(answer.unwrap(), 3);

    // C reports something else.
    let mut sink = Fixed::new(|_| Err(io::Error::other(Own)));
    let answer = lend_write(&mut sink, |userdata, _| {
        write(userdata);
        rustls_io_result(libc::ENOSPC)
    });
    assert_eq!(answer.unwrap_err().raw_os_error(), Some(libc::ENOSPC));

    // C fails twice.
    let mut codes = [libc::ENOSPC, libc::EDQUOT].into_iter();
    let mut sink = Fixed::new(|_| {
        let code = codes.next().expect("two calls");
        Err(io::Error::from_raw_os_error(code))
    });
    let answer = lend_write(&mut sink, |userdata, _| {
        write(userdata);
        rustls_io_result(write(userdata).0)
    });
    assert_eq!(answer.unwrap_err().raw_os_error(), Some(libc::EDQUOT));
}

#[test]
fn pending_is_would_block_but_an_error_would_block_is_not() {
    let (mut end, peer) = pipe(64);
    let mut cx = Context::from_waker(Waker::noop());
    let mut attempt = Attempt::new(Pin::new(&mut end), &mut cx);
    let answer = lend_read(&mut attempt, |userdata, _| {
        rustls_io_result(read(userdata).0)
    });
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);

    end.control()
        .always(Operation::Read, Answer::Error(io::ErrorKind::WouldBlock));
    let mut attempt = Attempt::new(Pin::new(&mut end), &mut cx);
    let mut code = 0;
    let answer = lend_read(&mut attempt, |userdata, _| {
        code = read(userdata).0;
        rustls_io_result(code)
    });
    assert_eq!(code, libc::EIO);
    let error = Error::find(&answer.unwrap_err()).expect("an error of this crate");
    assert_eq!(error.kind(), ErrorKind::Unregistered);
    drop(peer);
}

#[test]
fn an_empty_offer_does_not_reach_the_transport() {
    let mut transport = Fixed::new(|_| panic!("nothing was offered"));
    let mut count = UNSET;
    lend_read(&mut transport, |userdata, _| {
        // SAFETY: the buffer is not used.
        unsafe { ffi::read(userdata, ptr::null_mut(), 0, &mut count) }
    })
    .unwrap();
    assert_eq!(count, 0);
    for call in [
        // SAFETY: the bytes are not used.
        |userdata, count: &mut usize| unsafe { ffi::write(userdata, ptr::null(), 0, count) },
        // SAFETY: the slices are not used.
        |userdata, count: &mut usize| unsafe {
            ffi::write_vectored(userdata, ptr::null(), 0, count)
        },
        |userdata, count: &mut usize| {
            let empty = [IoSlice::new(&[]); 2];
            // SAFETY: the slices are valid.
            unsafe { ffi::write_vectored(userdata, empty.as_ptr().cast(), 2, count) }
        },
    ] {
        count = UNSET;
        lend_write(&mut transport, |userdata, _| call(userdata, &mut count)).unwrap();
        assert_eq!(count, 0);
    }
}

#[test]
fn null_pointers_are_invalid() {
    let mut transport = Fixed::new(|_| panic!("the arguments are invalid"));
    let (mut room, mut count) = ([0; 4], UNSET);
    let slice = [IoSlice::new(b"abcd")];
    let mut codes = Vec::new();
    let _ = lend_read(&mut transport, |userdata, _| {
        // SAFETY: what is not null is valid.
        unsafe {
            codes.push(ffi::read(userdata, ptr::null_mut(), 4, &mut count));
            codes.push(ffi::read(userdata, room.as_mut_ptr(), 4, ptr::null_mut()));
            codes.push(ffi::read(ptr::null_mut(), room.as_mut_ptr(), 4, &mut count));
        }
        rustls_io_result(0)
    });
    let _ = lend_write(&mut transport, |userdata, _| {
        let (bytes, iov) = (b"abcd".as_ptr(), slice.as_ptr().cast());
        // SAFETY: what is not null is valid.
        unsafe {
            codes.push(ffi::write(userdata, ptr::null(), 4, &mut count));
            codes.push(ffi::write(userdata, bytes, 4, ptr::null_mut()));
            codes.push(ffi::write(ptr::null_mut(), bytes, 4, &mut count));
            codes.push(ffi::write_vectored(userdata, ptr::null(), 1, &mut count));
            codes.push(ffi::write_vectored(userdata, iov, 1, ptr::null_mut()));
            codes.push(ffi::write_vectored(ptr::null_mut(), iov, 1, &mut count));
        }
        rustls_io_result(0)
    });
    assert_eq!(codes, [rustls_io_result(libc::EINVAL); 9]);
    assert_eq!(count, UNSET);
}
