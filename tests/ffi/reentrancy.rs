//! Re-entry, panics and threads, with a connection of rustls-ffi.

use std::cell::Cell;
use std::ffi::c_void;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::thread;

use pollback::ffi::lend_read;
use pollback::ffi::rustls_ffi::connection::rustls_connection;
use pollback_testkit::configs::Version;

use crate::fixed::Fixed;
use crate::pair::{Pair, carry, is_handshaking, read_tls, write_tls, write_tls_vectored};

#[test]
fn re_entry_reaches_neither_the_transport_nor_the_connection() {
    /// Calls the callback by which it is called, and another connection.
    struct Inner<'a> {
        other: &'a mut Pair,
        codes: Vec<i32>,
        userdata: &'a Cell<*mut c_void>,
    }
    impl Read for Inner<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let mut count = 0;
            // SAFETY: the buffer and the count are valid.
            let code = unsafe {
                pollback::ffi::read(self.userdata.get(), buf.as_mut_ptr(), buf.len(), &mut count)
            };
            self.codes.push(code.0);
            self.other.settle();
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    let mut pair = Pair::new(Version::Tls13);
    let mut other = Pair::new(Version::Tls12);
    let name = Cell::new(ptr::null_mut());
    let mut source = Inner {
        other: &mut other,
        codes: Vec::new(),
        userdata: &name,
    };
    let connection = pair.server.as_mut_ptr();
    let answer = lend_read(&mut source, |userdata, out_n| {
        name.set(userdata);
        let read = Some(pollback::ffi::read as _);
        rustls_connection::rustls_connection_read_tls(connection, read, userdata, out_n)
    });
    assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(source.codes, [libc::EBUSY]);
    assert!(!is_handshaking(&other.client));
    pair.settle();
    assert!(!is_handshaking(&pair.server));
}

#[test]
fn a_panic_leaves_the_connection_usable() {
    for version in Version::ALL {
        let mut pair = Pair::new(version);
        let mut transport = Fixed::new(|_| panic!("overboard"));
        type Call = fn(&mut Pair, &mut dyn Read, &mut dyn Write);
        let calls: [Call; 3] = [
            |pair, source, _| drop(read_tls(&mut pair.client, source)),
            |pair, _, sink| drop(write_tls(&mut pair.client, sink)),
            |pair, _, sink| drop(write_tls_vectored(&mut pair.client, sink)),
        ];
        let mut other = Fixed::new(|_| panic!("overboard"));
        for call in calls {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                call(&mut pair, &mut transport, &mut other);
            }));
            assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"overboard"));
        }
        assert_eq!((transport.calls, other.calls), (1, 2));
        pair.settle();
        assert!(!is_handshaking(&pair.server));
    }
}

#[test]
fn a_connection_can_be_moved_between_threads() {
    for version in Version::ALL {
        let mut pair = Pair::new(version);
        for _ in 0..4 {
            pair = thread::spawn(move || {
                carry(&mut pair.client, &mut pair.server);
                carry(&mut pair.server, &mut pair.client);
                pair
            })
            .join()
            .expect("no panic");
        }
        assert!(!is_handshaking(&pair.client));
        assert!(!is_handshaking(&pair.server));
    }
}
