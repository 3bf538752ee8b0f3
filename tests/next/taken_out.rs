//! Uses of a connection that was taken out of a stream: here of rustls 0.24.

use pollback::next::Connection;
use pollback::next::rustls::{ClientSide, ServerSide};
use pollback_testkit::pipe::pipe;

use crate::engine::server;
use crate::support::{WIDE, read_what_is_there};

/// Everything that a program receives if it continues with the connection, given the transport's
/// bytes.
pub(crate) fn rest(mut connection: Connection<ServerSide>, ciphertext: &[u8]) -> Vec<u8> {
    let mut plaintext = connection.take_plaintext();
    assert!(connection.take_ciphertext().is_empty());
    // The connection needs a stream to continue.
    let (end, _peer) = pipe(WIDE);
    end.control().inject(ciphertext);
    let mut stream = server::TlsStream::from((end, connection));
    plaintext.extend(read_what_is_there(&mut stream));
    plaintext
}

/// The ciphertext that a connection has queued.
pub(crate) fn queued(connection: &mut Connection<ClientSide>) -> Vec<u8> {
    connection.take_ciphertext()
}
