//! The functions of rustls-ffi that take callbacks, over lent transports.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use std::ptr;

use pollback::ffi::rustls_ffi::connection::rustls_connection;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::ffi::{lend_read, lend_write};
use pollback::{Error, ErrorKind};
use pollback_testkit::configs::Version;

use crate::fixed::Fixed;
use crate::pair::{
    Pair, carry, code, is_handshaking, process, read_tls, receive, send, write_tls,
    write_tls_vectored,
};
use crate::script::{Scripted, fails, moves};

#[test]
fn codes_of_a_c_callback_cross_both_boundaries_unchanged() {
    for version in Version::ALL {
        let mut pair = Pair::new(version);
        for code_of_c in [libc::EAGAIN, libc::EINTR, libc::EPIPE, 4096, i32::MAX, -1] {
            let script = Scripted::new([fails(code_of_c); 3]);
            let mut callbacks = script.callbacks();
            let client = &mut pair.client;
            for error in [
                read_tls(client, &mut callbacks).unwrap_err(),
                write_tls(client, &mut callbacks).unwrap_err(),
                write_tls_vectored(client, &mut callbacks).unwrap_err(),
            ] {
                assert_eq!(code(&error), code_of_c);
            }
            assert_eq!(script.offers().len(), 3);
        }
    }
}

#[test]
fn a_c_callback_that_reports_too_much_is_rejected_before_rustls_sees_it() {
    let mut pair = Pair::new(Version::Tls13);
    let hello = {
        let script = Scripted::new([fails(libc::EAGAIN)]);
        let _ = write_tls(&mut pair.client, &mut script.callbacks());
        script.offers()[0][0]
    };
    for count in [hello + 1, usize::MAX] {
        let script = Scripted::new([moves(count), moves(count), moves(usize::MAX)]);
        let mut callbacks = script.callbacks();
        for answer in [
            write_tls(&mut pair.client, &mut callbacks),
            write_tls_vectored(&mut pair.client, &mut callbacks),
            read_tls(&mut pair.client, &mut callbacks),
        ] {
            let error = Error::find(&answer.unwrap_err()).expect("an error of this crate");
            assert_eq!(error.kind(), ErrorKind::OverReported);
        }
    }
    // Nothing was skipped: the handshake completes.
    pair.settle();
    assert!(!is_handshaking(&pair.server));
}

#[test]
fn null_functions_connections_and_counts_are_invalid() {
    let mut pair = Pair::new(Version::Tls13);
    let connection = pair.client.as_mut_ptr();
    let mut transport = Fixed::new(|_| panic!("the arguments are invalid"));
    let errors = [
        lend_read(&mut transport, |userdata, out_n| {
            rustls_connection::rustls_connection_read_tls(connection, None, userdata, out_n)
        }),
        lend_write(&mut transport, |userdata, out_n| {
            rustls_connection::rustls_connection_write_tls(connection, None, userdata, out_n)
        }),
        lend_write(&mut transport, |userdata, out_n| {
            rustls_connection::rustls_connection_write_tls_vectored(
                connection, None, userdata, out_n,
            )
        }),
        lend_read(&mut transport, |userdata, out_n| {
            let read = Some(pollback::ffi::read as _);
            let nobody = ptr::null_mut();
            rustls_connection::rustls_connection_read_tls(nobody, read, userdata, out_n)
        }),
        lend_read(&mut transport, |userdata, _| {
            let read = Some(pollback::ffi::read as _);
            let nowhere = ptr::null_mut();
            rustls_connection::rustls_connection_read_tls(connection, read, userdata, nowhere)
        }),
        lend_read(&mut transport, |_, out_n| {
            let read = Some(pollback::ffi::read as _);
            let nothing = ptr::null_mut();
            rustls_connection::rustls_connection_read_tls(connection, read, nothing, out_n)
        }),
    ];
    for error in errors {
        assert_eq!(code(&error.unwrap_err()), libc::EINVAL);
    }
}

#[test]
fn after_close_notify_no_call_is_made() {
    for version in Version::ALL {
        let mut pair = Pair::established(version);
        rustls_connection::rustls_connection_send_close_notify(pair.server.as_mut_ptr());
        carry(&mut pair.server, &mut pair.client);
        let mut source = Fixed::new(Ok);
        assert_eq!(read_tls(&mut pair.client, &mut source).unwrap(), 0);
        assert_eq!(source.calls, 0);
        // The other direction keeps working.
        send(&mut pair.client, b"still here");
        carry(&mut pair.client, &mut pair.server);
        assert_eq!(receive(&mut pair.server, 64), b"still here");
    }
}

#[test]
fn no_call_is_made_while_plaintext_is_unread() {
    for version in Version::ALL {
        let mut pair = Pair::established(version);
        send(&mut pair.server, &[7; 40_000]);
        let mut wire = VecDeque::new();
        while write_tls(&mut pair.server, &mut wire).unwrap() > 0 {}
        let refused = loop {
            let left = wire.len();
            match read_tls(&mut pair.client, &mut wire) {
                Ok(_) => assert_eq!(process(&mut pair.client), rustls_result::Ok),
                Err(error) => {
                    assert_eq!(wire.len(), left);
                    break error;
                }
            }
            assert!(!wire.is_empty(), "all of it fits");
        };
        assert_eq!(code(&refused), libc::EIO);
        let mut source = Fixed::new(Ok);
        read_tls(&mut pair.client, &mut source).unwrap_err();
        assert_eq!(source.calls, 0);
        assert!(receive(&mut pair.client, 40_000).len() >= 16 * 1024);
    }
}

/// Accepts at most this many bytes of each offer, and records how many slices it was offered.
struct Narrow {
    widths: Vec<usize>,
    taken: VecDeque<u8>,
    slices: Vec<usize>,
}

impl Narrow {
    fn new(widths: &[usize]) -> Self {
        Self {
            widths: widths.to_vec(),
            taken: VecDeque::new(),
            slices: Vec::new(),
        }
    }
}

impl Write for Narrow {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let width = self.widths[self.slices.len() % self.widths.len()];
        self.slices.push(bufs.len());
        let before = self.taken.len();
        let bytes = bufs.iter().flat_map(|buf| buf.iter());
        self.taken.extend(bytes.take(width));
        Ok(self.taken.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn partial_writes_lose_and_repeat_nothing() {
    for version in Version::ALL {
        let mut probe = Pair::established(version);
        send(&mut probe.client, &[1; 100]);
        let mut whole = Narrow::new(&[usize::MAX]);
        write_tls(&mut probe.client, &mut whole).unwrap();
        let record = whole.taken.len();
        // Byte by byte, inside a slice, at its end, and beyond the end of the first.
        for widths in [
            &[1][..],
            &[5, record - 5],
            &[record],
            &[record + 1],
            &[record - 1],
        ] {
            let mut pair = Pair::established(version);
            for number in 0..20 {
                send(&mut pair.client, &[number; 100]);
            }
            let mut sink = Narrow::new(widths);
            while write_tls_vectored(&mut pair.client, &mut sink).unwrap() > 0 {}
            while !sink.taken.is_empty() {
                read_tls(&mut pair.server, &mut sink.taken).unwrap();
                assert_eq!(process(&mut pair.server), rustls_result::Ok);
            }
            let expected: Vec<u8> = (0..20).flat_map(|number| [number; 100]).collect();
            assert_eq!(receive(&mut pair.server, 4096), expected);
        }
    }
}

#[test]
fn a_vectored_call_has_64_slices_at_the_most_and_a_scalar_one_has_one() {
    let mut pair = Pair::established(Version::Tls13);
    for _ in 0..200 {
        send(&mut pair.client, b"a record");
    }
    let mut sink = Narrow::new(&[usize::MAX]);
    while write_tls_vectored(&mut pair.client, &mut sink).unwrap() > 0 {}
    assert_eq!(sink.slices, [64, 64, 64, 8]);
}

#[test]
fn vectored_needs_far_fewer_calls_than_scalar() {
    const BYTES: usize = 3 << 20;
    for version in Version::ALL {
        let calls = [write_tls, write_tls_vectored].map(|write| {
            let mut pair = Pair::established(version);
            let client = pair.client.as_mut_ptr();
            rustls_connection::rustls_connection_set_buffer_limit(client, 2 * BYTES);
            assert_eq!(send(&mut pair.client, &vec![3; BYTES]), BYTES);
            let mut sink = Narrow::new(&[usize::MAX]);
            while write(&mut pair.client, &mut sink).unwrap() > 0 {}
            sink.slices.len()
        });
        eprintln!(
            "{version:?}: {} scalar calls, {} vectored",
            calls[0], calls[1]
        );
        assert!(calls[0] > 30 * calls[1], "{calls:?}");
    }
}
