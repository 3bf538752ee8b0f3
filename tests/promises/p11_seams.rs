//! 11. Nothing is lost at a seam.

use std::io::{ErrorKind as IoErrorKind, Read};

use pollback::rustls::{ConnectionCommon, ConnectionTrafficSecrets, ServerConnection, SideData};
use pollback::{Options, TlsStream, client, rustls, server};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, pipe};
use ring::aead;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    WIDE, acceptor, connector, handshake, localhost, pattern, poll_once, receive, send,
};

/// What a peer sends: records of all kinds of sizes, then full ones.
const TOTAL: usize = 200_000;

/// The client's end of the pipe is told what the server has not read.
fn established(version: Version) -> (client::TlsStream<End>, server::TlsStream<End>, Control) {
    let setup = Setup::new(version);
    let ends = pipe(WIDE);
    let io = ends.0.control();
    let (client, server) = handshake(setup.client(), setup.server(), ends);
    (client, server, io)
}

/// Everything that a program gets which goes on with the connection, from the transport's bytes.
fn rest<Data: SideData>(
    connection: &mut ConnectionCommon<Data>,
    mut ciphertext: &[u8],
) -> Result<Vec<u8>, rustls::Error> {
    let mut plaintext = Vec::new();
    loop {
        let mut room = [0; 4096];
        match connection.reader().read(&mut room) {
            Ok(0) => return Ok(plaintext),
            Ok(read) => plaintext.extend_from_slice(&room[..read]),
            Err(error) if error.kind() == IoErrorKind::WouldBlock => {
                match connection.read_tls(&mut ciphertext) {
                    Ok(0) => return Ok(plaintext),
                    Ok(_) => connection.process_new_packets().map(drop)?,
                    Err(error) => panic!("{error}"),
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A server that has read so many bytes, in parts, of what a client has sent and sends no more.
fn partly_read(
    version: Version,
    cuts: &[usize],
    bytes: &[u8],
    read: usize,
    part: usize,
) -> (server::TlsStream<End>, client::TlsStream<End>, Control) {
    let (mut client, mut server, io) = established(version);
    let mut left = bytes;
    for cut in cuts.iter().cycle() {
        if left.is_empty() {
            break;
        }
        let (now, later) = left.split_at(left.len().min(*cut));
        executor::block_on(send(&mut client, now));
        left = later;
    }
    let mut taken = 0;
    while taken < read {
        let length = part.min(read - taken);
        let received = executor::block_on(receive(&mut server, length));
        assert!(received == bytes[taken..taken + length]);
        taken += length;
    }
    (server, client, io)
}

/// Each is the sizes of the records, again and again.
const CUTS: [&[usize]; 5] = [
    &[16_384],
    &[1, 16_384],
    &[9_200],
    &[100],
    &[1, 1, 16_384, 16_384, 16_384, 16_384],
];

#[test]
fn a_connection_that_is_taken_out_gets_every_byte() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            // Every place around the ends of the first records, and strides between them.
            let borders = (0..6).map(|count: usize| count * 16_384);
            let around = borders.flat_map(|border| border.saturating_sub(2)..=border + 2);
            let reads: Vec<usize> = around.chain((0..TOTAL).step_by(23_457)).collect();
            for part in [1 << 16, 8192, 1000] {
                for &read in &reads {
                    let (server, _client, io) = partly_read(version, cuts, &bytes, read, part);
                    let (_io, mut connection) = server.into_inner();
                    let later = io.take_unread_by_peer();
                    let rest = rest(&mut connection, &later).expect("sound ciphertext");
                    assert!(
                        rest == bytes[read..],
                        "{} bytes behind {read} of {TOTAL} in parts of {part}, {cuts:?} {version:?}",
                        rest.len(),
                    );
                }
            }
        }
    }
}

#[test]
fn read_sizes_from_one_byte_on_lose_nothing() {
    let bytes = pattern(40_000);
    for part in (1..40).chain([4095, 4096, 16_383, 16_384, 16_385, 1 << 16]) {
        let (server, _client, io) = partly_read(Version::Tls13, &[16_384], &bytes, 20_000, part);
        let (_io, mut connection) = server.into_inner();
        let rest = rest(&mut connection, &io.take_unread_by_peer()).expect("sound ciphertext");
        assert!(rest == bytes[20_000..], "{part}");
    }
}

#[test]
fn the_parts_have_every_byte() {
    let bytes = pattern(TOTAL);
    for version in Version::ALL {
        for cuts in CUTS {
            for read in (0..TOTAL).step_by(7919) {
                let (server, _client, io) = partly_read(version, cuts, &bytes, read, 1 << 16);
                let mut parts = server.into_parts();
                let later = [parts.ciphertext, io.take_unread_by_peer()].concat();
                // More than a connection takes at once, so in turns with reading.
                let rest = rest(&mut parts.connection, &later).expect("sound ciphertext");
                assert!(rest == bytes[read..], "{read} {cuts:?} {version:?}");
            }
        }
    }
}

/// RFC 8446, section 6.1: what follows is not TLS any more, and belongs to whoever has the transport.
#[test]
fn what_follows_a_close_notify_is_in_the_parts() {
    const CLEAR: &[u8] = b"220 in the clear";
    for version in Version::ALL {
        for together in [true, false] {
            for last in [0, 1, 16_384, 20_000] {
                let (mut client, mut server, io) = established(version);
                let bytes = pattern(last);
                executor::block_on(send(&mut client, &bytes));
                client.get_mut().1.send_close_notify();
                executor::block_on(client.flush()).expect("a flush");
                let (mut clear, _) = client.into_inner();
                if together {
                    executor::block_on(clear.write_all(CLEAR)).expect("a wide pipe");
                }
                let mut received = Vec::new();
                executor::block_on(server.read_to_end(&mut received)).expect("a clean end");
                assert!(received == bytes);
                if !together {
                    executor::block_on(clear.write_all(CLEAR)).expect("a wide pipe");
                }
                let parts = server.into_parts();
                let rest = [parts.ciphertext, io.take_unread_by_peer()].concat();
                assert_eq!(rest, CLEAR, "{version:?} {together} {last}");
            }
        }
    }
}

/// What a kernel is given: the keys, the sequence number, and the ciphertext from there on.
#[test]
fn keys_can_be_handed_over_between_two_records() {
    let bytes = pattern(TOTAL);
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
        // Plaintext that was not read yet; none of it is a part of a record.
        let mut room = [0; 20_000];
        if let Ok(more) = parts.connection.reader().read(&mut room) {
            taken.extend_from_slice(&room[..more]);
        }
        let records = [parts.ciphertext, io.take_unread_by_peer()].concat();
        let decrypted = decrypt(parts.connection, &records);
        assert!([taken, decrypted].concat() == bytes, "{read}");
    }
}

/// Decrypts as a kernel does, which knows nothing of what a connection may hold back.
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
        panic!("another suite than was set up");
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

#[test]
fn plaintext_that_waits_goes_along_too() {
    let options = Options::new().with_batched_writes(true);
    for version in Version::ALL {
        let setup = Setup::new(version);
        let (near, far) = pipe(WIDE);
        let (client, server) = executor::join(
            connector(setup.client())
                .with_options(options)
                .connect(localhost(), near),
            acceptor(setup.server()).accept(far),
        );
        let (mut client, server) = (client.expect("a client"), server.expect("a server"));
        // All that a batch holds, whole records and the beginning of one.
        let bytes = pattern(64 * 1024 - 1);
        executor::block_on(client.write_all(&bytes)).expect("a write");
        let (mut io, mut connection) = client.into_inner();
        let mut ciphertext = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut ciphertext).expect("a vector");
        }
        executor::block_on(io.write_all(&ciphertext)).expect("a wide pipe");
        let mut server = TlsStream::from(server);
        assert!(executor::block_on(receive(&mut server, bytes.len())) == bytes);
    }
}

/// Nobody but the stream that it was taken from knew that the transport was not flushed.
#[test]
fn a_reader_pushes_what_was_written_before_the_stream_was_taken_apart() {
    for version in Version::ALL {
        let (mut client, mut server, io) = established(version);
        io.buffer(3000);
        executor::block_on(client.write_all(b"question")).expect("room");
        assert!(poll_once(receive(&mut server, 8)).is_pending());
        let mut client = client::TlsStream::from(client.into_inner());
        let (answer, ()) = executor::join(receive(&mut client, 6), async {
            assert_eq!(receive(&mut server, 8).await, b"question");
            send(&mut server, b"answer").await;
        });
        assert_eq!(answer, b"answer");
    }
}
