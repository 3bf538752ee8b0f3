//! Loans: the validity of their userdata, re-entry, panics and threads.

use std::cell::Cell;
use std::ffi::c_void;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::ptr;
use std::thread;

use pollback::ffi::rustls_ffi::rustls_io_result;
use pollback::ffi::{lend_read, lend_write};

use crate::fixed::{Fixed, Seen, UNSET, read, write, write_vectored};

const INVALID: Seen = (libc::EINVAL, UNSET);
const BUSY: Seen = (libc::EBUSY, UNSET);
const FAILED: Seen = (libc::EIO, UNSET);

const DONE: rustls_io_result = rustls_io_result(0);

#[test]
fn a_loan_is_for_one_direction() {
    let mut transport = Fixed::new(|_| panic!("lent for the other direction"));
    lend_read(&mut transport, |userdata, _| {
        assert_eq!(write(userdata), INVALID);
        assert_eq!(write_vectored(userdata), INVALID);
        DONE
    })
    .unwrap();
    lend_write(&mut transport, |userdata, _| {
        assert_eq!(read(userdata), INVALID);
        DONE
    })
    .unwrap();
}

#[test]
fn userdata_is_invalid_outside_its_call() {
    let mut transport = Fixed::new(Ok);
    let mut kept = ptr::null_mut();
    lend_read(&mut transport, |userdata, _| {
        assert_eq!(read(userdata), (0, 4));
        kept = userdata;
        DONE
    })
    .unwrap();
    assert_eq!(read(kept), INVALID);
    lend_read(&mut transport, |userdata, _| {
        assert_ne!(userdata, kept);
        assert_eq!(read(kept), INVALID);
        assert_eq!(read(userdata), (0, 4));
        DONE
    })
    .unwrap();
    assert_eq!(transport.calls, 2);
}

#[test]
fn a_pointer_that_was_never_lent_is_invalid() {
    let mut other = 5;
    let mut transport = Fixed::new(Ok);
    lend_read(&mut transport, |_, _| {
        assert_eq!(read(ptr::from_mut(&mut other).cast()), INVALID);
        assert_eq!(read(ptr::dangling_mut::<u8>().cast()), INVALID);
        DONE
    })
    .unwrap();
    assert_eq!(transport.calls, 0);
}

#[test]
fn userdata_is_invalid_on_another_thread() {
    let mut transport = Fixed::new(Ok);
    lend_write(&mut transport, |userdata, _| {
        let name = userdata.expose_provenance();
        thread::scope(|scope| {
            scope.spawn(|| {
                let stolen: *mut c_void = ptr::with_exposed_provenance_mut(name);
                assert_eq!(write(stolen), INVALID);
                // Nor does a loan of that thread make it valid.
                let mut own = Fixed::new(Ok);
                lend_write(&mut own, |own, _| {
                    assert_ne!(own, stolen);
                    assert_eq!(write(stolen), INVALID);
                    DONE
                })
                .unwrap();
            });
        });
        assert_eq!(write(userdata), (0, 4));
        DONE
    })
    .unwrap();
    assert_eq!(transport.calls, 1);
}

#[test]
fn re_entry_on_the_same_loan_is_rejected() {
    for call in [write, write_vectored] {
        let name = Cell::new(ptr::null_mut());
        let mut inner = None;
        let mut sink = Fixed::new(|offered| {
            inner = Some((write(name.get()), write_vectored(name.get())));
            Ok(offered)
        });
        lend_write(&mut sink, |userdata, _| {
            name.set(userdata);
            assert_eq!(call(userdata), (0, 4));
            DONE
        })
        .unwrap();
        assert_eq!(inner, Some((BUSY, BUSY)));
    }
    let name = Cell::new(ptr::null_mut());
    let mut inner = None;
    let mut source = Fixed::new(|offered| {
        inner = Some(read(name.get()));
        Ok(offered)
    });
    lend_read(&mut source, |userdata, _| {
        name.set(userdata);
        assert_eq!(read(userdata), (0, 4));
        // The attempt is over, and the callback can be called again.
        assert_eq!(read(userdata), (0, 4));
        DONE
    })
    .unwrap();
    assert_eq!(inner, Some(BUSY));
}

#[test]
fn loans_can_be_nested() {
    let mut outer = Fixed::new(Ok);
    lend_read(&mut outer, |outer, _| {
        let mut inner = Fixed::new(|offered| {
            // From within the inner transport the outer one can be used.
            assert_eq!(read(outer), (0, 4));
            Ok(offered - 1)
        });
        lend_write(&mut inner, |inner, _| {
            assert_eq!(write(inner), (0, 3));
            assert_eq!(read(outer), (0, 4));
            DONE
        })
        .unwrap();
        assert_eq!(read(outer), (0, 4));
        DONE
    })
    .unwrap();
    assert_eq!(outer.calls, 3);
}

#[test]
fn a_panic_is_eio_in_c_and_continues_in_rust() {
    type Lend = fn(&mut Fixed<fn(usize) -> io::Result<usize>>, &mut Vec<Seen>);
    let lends: [Lend; 3] = [
        |transport, seen| {
            let _ = lend_read(transport, |userdata, _| {
                seen.extend([read(userdata), read(userdata)]);
                DONE
            });
        },
        |transport, seen| {
            let _ = lend_write(transport, |userdata, _| {
                seen.extend([write(userdata), write(userdata)]);
                DONE
            });
        },
        |transport, seen| {
            let _ = lend_write(transport, |userdata, _| {
                seen.extend([write_vectored(userdata), write(userdata)]);
                DONE
            });
        },
    ];
    for lend in lends {
        let mut transport: Fixed<fn(usize) -> _> = Fixed::new(|_| panic_any("overboard"));
        let mut seen = Vec::new();
        let panic = catch_unwind(AssertUnwindSafe(|| lend(&mut transport, &mut seen)));
        let panic = panic.expect_err("the panic continues, whatever C returns");
        assert_eq!(panic.downcast_ref(), Some(&"overboard"));
        // A transport that has panicked is not called again.
        assert_eq!(seen, [FAILED, BUSY]);
        assert_eq!(transport.calls, 1);
    }
}

#[test]
fn a_loan_ends_when_the_call_panics() {
    let mut transport = Fixed::new(Ok);
    let mut kept = ptr::null_mut();
    let panic = catch_unwind(AssertUnwindSafe(|| {
        lend_read(&mut transport, |userdata, _| {
            kept = userdata;
            panic_any("in the caller's own code")
        })
    }));
    assert!(panic.is_err());
    assert_eq!(read(kept), INVALID);
    lend_read(&mut transport, |userdata, _| {
        assert_eq!(read(userdata), (0, 4));
        DONE
    })
    .unwrap();
}

#[test]
fn more_loans_than_a_thread_names_at_once_are_all_distinct() {
    let mut transport = Fixed::new(Ok);
    let mut names = Vec::new();
    for _ in 0..10_000 {
        lend_read(&mut transport, |userdata, _| {
            names.push(userdata.addr());
            DONE
        })
        .unwrap();
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 10_000);
    assert_ne!(names[0], 0);
}
