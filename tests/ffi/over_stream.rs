//! A connection of rustls-ffi over a TLS stream, whose attempts are its callbacks.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::sync::Arc;

use pollback::callback::Callbacks;
use pollback::client::TlsStream;
use pollback::ffi::FfiConnection;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::{TlsAcceptor, TlsConnector, rustls, server};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{End, pipe};
use rustls::pki_types::ServerName;

use crate::pair::{
    Pair, is_handshaking, process, read_tls, receive, send, wants_write, write_tls_vectored,
};

/// Two streams over one pipe.
fn streams(version: Version) -> (TlsStream<End>, server::TlsStream<End>) {
    let setup = Setup::new(version);
    let (near, far) = pipe(1 << 20);
    let name = ServerName::try_from("localhost").expect("a valid name");
    let (client, server) = executor::join(
        TlsConnector::from(Arc::new(setup.client())).connect(name, near),
        TlsAcceptor::from(Arc::new(setup.server())).accept(far),
    );
    (client.expect("a client"), server.expect("a server"))
}

/// Lets a connection make all attempts at a stream that are possible now.
macro_rules! turn {
    ($connection:expr, $stream:expr) => {{
        let stream = RefCell::new($stream);
        let mut callbacks = Callbacks::new(
            |buf: &mut [u8]| stream.borrow_mut().try_read(buf),
            |buf: &[u8]| stream.borrow_mut().try_write(buf),
        )
        .with_write_vectored(|bufs: &[IoSlice<'_>]| stream.borrow_mut().try_write_vectored(bufs));
        turn($connection, &mut callbacks)
    }};
}

fn turn<T: io::Read + io::Write>(connection: &mut FfiConnection, transport: &mut T) {
    while wants_write(connection) {
        write_tls_vectored(connection, transport).expect("a wide pipe accepts everything");
    }
    match read_tls(connection, transport) {
        Ok(_) => assert_eq!(process(connection), rustls_result::Ok),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
}

#[test]
fn a_handshake_and_a_message_pass_through_attempts() {
    for version in Version::ALL {
        let Pair {
            mut client,
            mut server,
        } = Pair::new(version);
        let (mut near, mut far) = streams(version);
        let mut turns = 0;
        while is_handshaking(&client) || is_handshaking(&server) {
            turn!(&mut client, &mut near);
            turn!(&mut server, &mut far);
            turns += 1;
            assert!(turns < 100, "the handshake does not complete");
        }
        assert_eq!(send(&mut client, b"inside"), 6);
        turn!(&mut client, &mut near);
        turn!(&mut server, &mut far);
        assert_eq!(receive(&mut server, 16), b"inside");
    }
}
