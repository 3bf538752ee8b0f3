//! Direct uses of the connections of rustls 0.23 by programs.

use std::io::Read;

use pollback::rustls::{ConnectionTrafficSecrets, ServerConnection};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use ring::aead;
use tokio::io::AsyncWriteExt;

use crate::support::{WIDE, handshake, pattern, receive, send};

/// The data for a kernel: the keys, the sequence number, and the ciphertext from there on.
#[test]
fn keys_can_be_extracted_between_two_records() {
    let bytes = pattern(200_000);
    for read in [0, 1, 16_384, 16_385, 50_000, 65_536] {
        let mut setup = Setup::new(Version::Tls13).server();
        setup.enable_secret_extraction = true;
        let ends = pipe(WIDE);
        let io = ends.0.control();
        let (mut client, mut server) = handshake(Setup::new(Version::Tls13).client(), setup, ends);
        executor::block_on(send(&mut client, &bytes));
        executor::block_on(server.flush()).expect("a flush");
        let mut taken = executor::block_on(receive(&mut server, read));
        let mut parts = server.into_parts();
        // Plaintext that was not read yet; it consists of complete records.
        let mut room = [0; 20_000];
        if let Ok(more) = parts.connection.reader().read(&mut room) {
            taken.extend_from_slice(&room[..more]);
        }
        let records = [parts.ciphertext, io.take_unread_by_peer()].concat();
        let decrypted = decrypt(parts.connection, &records);
        assert!([taken, decrypted].concat() == bytes, "{read}");
    }
}

/// Decrypts like a kernel, which does not know what a connection may still buffer.
fn decrypt(connection: ServerConnection, mut records: &[u8]) -> Vec<u8> {
    let secrets = connection.dangerous_extract_secrets().expect("secrets");
    let (mut sequence, keys) = secrets.rx;
    let mut plaintext = Vec::new();
    while let [_, _, _, high, low, ..] = *records {
        let end = 5 + usize::from(u16::from_be_bytes([high, low]));
        let mut opened = open(&keys, sequence, &records[..end]);
        sequence += 1;
        // The last byte is the type (RFC 8446, section 5.4).
        assert_eq!(opened.pop(), Some(23));
        plaintext.extend(opened);
        records = &records[end..];
    }
    assert!(
        records.is_empty(),
        "the ciphertext begins between two records"
    );
    plaintext
}

/// RFC 8446, section 5.2, for `TLS_AES_256_GCM_SHA384`.
fn open(keys: &ConnectionTrafficSecrets, sequence: u64, record: &[u8]) -> Vec<u8> {
    let ConnectionTrafficSecrets::Aes256Gcm { key, iv } = keys else {
        panic!("another suite than the configured one");
    };
    let mut nonce: [u8; 12] = iv.as_ref().try_into().expect("12 bytes");
    for (byte, of_sequence) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
        *byte ^= of_sequence;
    }
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key.as_ref()).expect("32 bytes");
    let (header, body) = record.split_at(5);
    let mut body = body.to_vec();
    let opened = aead::LessSafeKey::new(key).open_in_place(
        aead::Nonce::assume_unique_for_key(nonce),
        aead::Aad::from(header),
        &mut body,
    );
    opened.expect("the next record of this sequence").to_vec()
}

#[cfg(feature = "early-data")]
#[test]
fn a_program_may_still_read_early_data_from_the_connection() {
    let both = crate::resumption::Acquaintances::new();
    let (client_end, server_end) = pipe(WIDE);
    let client = async {
        let connect = both
            .connector()
            .connect(crate::support::localhost(), client_end);
        let mut stream = connect.await.expect("the client connects");
        stream.write_all(b"early").await.expect("early data");
        send(&mut stream, b"").await;
        send(&mut stream, b"later").await;
    };
    let server = async {
        let accept = both.acceptor().accept(server_end);
        let mut stream = accept.await.expect("the server accepts");
        let mut early = String::new();
        let connection = stream.get_mut().1;
        let mut data = connection.early_data().expect("accepted early data");
        Read::read_to_string(&mut data, &mut early).expect("bytes in memory");
        assert_eq!(early, "early");
        receive(&mut stream, 5).await
    };
    assert_eq!(executor::join(client, server).1, b"later");
}
