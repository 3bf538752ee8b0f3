//! Uses of a connection that was taken out of a stream: here of rustls 0.23.

use std::io::{ErrorKind, Read};
use std::ops::DerefMut;

use pollback::rustls::{ClientConnection, ConnectionCommon, SideData};

/// Everything that a program receives if it continues with the connection, given the transport's
/// bytes.
pub(crate) fn rest<Data: SideData>(
    mut connection: impl DerefMut<Target = ConnectionCommon<Data>>,
    mut ciphertext: &[u8],
) -> Vec<u8> {
    let mut plaintext = Vec::new();
    loop {
        let mut room = [0; 4096];
        match connection.reader().read(&mut room) {
            Ok(0) => return plaintext,
            Ok(read) => plaintext.extend_from_slice(&room[..read]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                match connection.read_tls(&mut ciphertext) {
                    Ok(0) => return plaintext,
                    Ok(_) => drop(connection.process_new_packets().expect("sound ciphertext")),
                    Err(error) => panic!("{error}"),
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// The ciphertext that a connection has queued.
pub(crate) fn queued(connection: &mut ClientConnection) -> Vec<u8> {
    let mut ciphertext = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut ciphertext).expect("a vector");
    }
    ciphertext
}
