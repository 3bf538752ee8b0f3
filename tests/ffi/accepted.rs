//! The acceptor of rustls-ffi itself, over a lent transport.

use std::io::{self, Write};
use std::ptr::null_mut;

use pollback::ffi::rustls_ffi::acceptor::{
    rustls_accepted, rustls_accepted_alert, rustls_acceptor,
};
use pollback::ffi::rustls_ffi::connection::rustls_connection;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::ffi::{self, lend_read, lend_write};
use pollback::rustls::AlertDescription;
use pollback_testkit::configs::Version;

use crate::configs::ServerConfig;
use crate::pair::{code, write_tls};
use crate::script::{Scripted, fails};
use crate::support::Side;

/// An alert record in plaintext.
pub(crate) fn alert(description: AlertDescription) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, description.into()]
}

/// The first bytes of a client.
pub(crate) fn client_hello(version: Version) -> Vec<u8> {
    let mut hello = Vec::new();
    let mut client = Side::Client.connection(version);
    while write_tls(&mut client, &mut hello).expect("a vector accepts everything") > 0 {}
    hello
}

fn accept(hello: &[u8]) -> *mut rustls_accepted {
    let acceptor = rustls_acceptor::rustls_acceptor_new();
    let mut rest = hello;
    while !rest.is_empty() {
        lend_read(&mut rest, |userdata, out_n| {
            rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(ffi::read), userdata, out_n)
        })
        .expect("bytes in memory");
    }
    let (mut accepted, mut alert) = (null_mut(), null_mut());
    let result = rustls_acceptor::rustls_acceptor_accept(acceptor, &mut accepted, &mut alert);
    assert_eq!(result, rustls_result::Ok);
    rustls_acceptor::rustls_acceptor_free(acceptor);
    accepted
}

#[test]
fn a_second_into_connection_is_rejected() {
    for version in Version::ALL {
        let config = ServerConfig::new(version);
        let accepted = accept(&client_hello(version));
        let mut results = Vec::new();
        for _ in 0..2 {
            let (mut connection, mut alert) = (null_mut(), null_mut());
            results.push(rustls_accepted::rustls_accepted_into_connection(
                accepted,
                config.as_ptr(),
                &mut connection,
                &mut alert,
            ));
            assert!(alert.is_null());
            rustls_connection::rustls_connection_free(connection);
        }
        assert_eq!(results, [rustls_result::Ok, rustls_result::AlreadyUsed]);
        rustls_accepted::rustls_accepted_free(accepted);
    }
}

/// Accepts one byte in every second call, and would block in the others.
struct Halting {
    taken: Vec<u8>,
    calls: usize,
}

impl Write for Halting {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        if self.calls % 2 == 1 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.taken.push(buf[0]);
        Ok(1)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_alert_is_sent_byte_by_byte_to_a_writer_that_blocks_in_between() {
    let acceptor = rustls_acceptor::rustls_acceptor_new();
    let mut garbage = &b"GET / HTTP/1.1\r\n\r\n"[..];
    lend_read(&mut garbage, |userdata, out_n| {
        rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(ffi::read), userdata, out_n)
    })
    .unwrap();
    let (mut accepted, mut refusal) = (null_mut(), null_mut());
    let result = rustls_acceptor::rustls_acceptor_accept(acceptor, &mut accepted, &mut refusal);
    assert_eq!(result, rustls_result::MessageInvalidContentType);
    assert!(accepted.is_null());

    let write = |sink: &mut dyn Write| {
        lend_write(sink, |userdata, out_n| {
            rustls_accepted_alert::rustls_accepted_alert_write_tls(
                refusal,
                Some(ffi::write),
                userdata,
                out_n,
            )
        })
    };
    for code_of_c in [libc::EINTR, 4096, -1] {
        let script = Scripted::new([fails(code_of_c)]);
        let error = write(&mut script.callbacks()).unwrap_err();
        assert_eq!(code(&error), code_of_c);
    }
    let mut sink = Halting {
        taken: Vec::new(),
        calls: 0,
    };
    let mut blocked = 0;
    loop {
        match write(&mut sink) {
            Ok(0) => break,
            Ok(count) => assert_eq!(count, 1),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                blocked += 1;
            }
        }
    }
    assert_eq!(sink.taken, alert(AlertDescription::DecodeError));
    assert_eq!(blocked, sink.taken.len());
    rustls_accepted_alert::rustls_accepted_alert_free(refusal);
    rustls_acceptor::rustls_acceptor_free(acceptor);
}

#[test]
fn an_acceptor_returns_the_codes_of_a_c_callback() {
    for code_of_c in [libc::EAGAIN, libc::EINTR, 4096, -1] {
        let acceptor = rustls_acceptor::rustls_acceptor_new();
        let script = Scripted::new([fails(code_of_c)]);
        let answer = lend_read(&mut script.callbacks(), |userdata, out_n| {
            rustls_acceptor::rustls_acceptor_read_tls(acceptor, Some(ffi::read), userdata, out_n)
        });
        assert_eq!(code(&answer.unwrap_err()), code_of_c);
        rustls_acceptor::rustls_acceptor_free(acceptor);
    }
}
