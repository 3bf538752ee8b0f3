//! Two connections of rustls-ffi and the bytes between them, moved by hand.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::io::{self, Read, Write};

use pollback::ffi::rustls_ffi::connection::rustls_connection;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::ffi::{self, FfiConnection, lend_read, lend_write};
use pollback_testkit::configs::Version;

use crate::configs::{ClientConfig, ServerConfig};

pub(crate) struct Pair {
    pub(crate) client: FfiConnection,
    pub(crate) server: FfiConnection,
}

impl Pair {
    /// Before the handshake.
    pub(crate) fn new(version: Version) -> Self {
        Self {
            client: ClientConfig::new(version).connection(c"localhost"),
            server: ServerConfig::new(version).connection(),
        }
    }

    /// After the handshake, with nothing in transit.
    pub(crate) fn established(version: Version) -> Self {
        let mut pair = Self::new(version);
        pair.settle();
        assert!(!is_handshaking(&pair.client) && !is_handshaking(&pair.server));
        pair
    }

    /// Moves bytes until there are none.
    pub(crate) fn settle(&mut self) {
        let Self { client, server } = self;
        while wants_write(client) || wants_write(server) {
            carry(client, server);
            carry(server, client);
        }
    }
}

/// Moves all ciphertext of one connection to the other, and processes it.
pub(crate) fn carry(from: &mut FfiConnection, to: &mut FfiConnection) {
    let mut wire = VecDeque::new();
    while wants_write(from) {
        write_tls_vectored(from, &mut wire).expect("a queue accepts everything");
    }
    while !wire.is_empty() {
        read_tls(to, &mut wire).expect("a queue does not fail");
        assert_eq!(process(to), rustls_result::Ok);
    }
}

pub(crate) fn is_handshaking(connection: &FfiConnection) -> bool {
    rustls_connection::rustls_connection_is_handshaking(connection.as_ptr())
}

pub(crate) fn wants_write(connection: &FfiConnection) -> bool {
    rustls_connection::rustls_connection_wants_write(connection.as_ptr())
}

pub(crate) fn read_tls(connection: &mut FfiConnection, source: &mut dyn Read) -> io::Result<usize> {
    let connection = connection.as_mut_ptr();
    lend_read(source, |userdata, out_n| {
        rustls_connection::rustls_connection_read_tls(connection, Some(ffi::read), userdata, out_n)
    })
}

pub(crate) fn write_tls(connection: &mut FfiConnection, sink: &mut dyn Write) -> io::Result<usize> {
    let connection = connection.as_mut_ptr();
    lend_write(sink, |userdata, out_n| {
        rustls_connection::rustls_connection_write_tls(
            connection,
            Some(ffi::write),
            userdata,
            out_n,
        )
    })
}

pub(crate) fn write_tls_vectored(
    connection: &mut FfiConnection,
    sink: &mut dyn Write,
) -> io::Result<usize> {
    let connection = connection.as_mut_ptr();
    lend_write(sink, |userdata, out_n| {
        rustls_connection::rustls_connection_write_tls_vectored(
            connection,
            Some(ffi::write_vectored),
            userdata,
            out_n,
        )
    })
}

pub(crate) fn process(connection: &mut FfiConnection) -> rustls_result {
    rustls_connection::rustls_connection_process_new_packets(connection.as_mut_ptr())
}

/// Sends plaintext; returns how much was accepted.
pub(crate) fn send(connection: &mut FfiConnection, plaintext: &[u8]) -> usize {
    let mut count = 0;
    let result = rustls_connection::rustls_connection_write(
        connection.as_mut_ptr(),
        plaintext.as_ptr(),
        plaintext.len(),
        &mut count,
    );
    assert_eq!(result, rustls_result::Ok);
    count
}

/// Receives the available plaintext, up to `limit` bytes.
pub(crate) fn receive(connection: &mut FfiConnection, limit: usize) -> Vec<u8> {
    let mut received = vec![0; limit];
    let mut total = 0;
    while total < limit {
        let mut count = 0;
        let rest = &mut received[total..];
        match rustls_connection::rustls_connection_read(
            connection.as_mut_ptr(),
            rest.as_mut_ptr(),
            rest.len(),
            &mut count,
        ) {
            rustls_result::Ok if count > 0 => total += count,
            rustls_result::Ok | rustls_result::PlaintextEmpty => break,
            result => panic!("{result}"),
        }
    }
    received.truncate(total);
    received
}

/// The code of an error that has one.
pub(crate) fn code(error: &io::Error) -> c_int {
    error
        .raw_os_error()
        .unwrap_or_else(|| panic!("{error:?} has no code"))
}
