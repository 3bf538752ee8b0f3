//! Records of the largest size that the protocol allows, and one byte more.

use pollback::ErrorKind;
use pollback::rustls::{Error, InvalidMessage};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::AsyncReadExt;

use crate::forger::{DATA, FULL, HANDSHAKE, Victim, for_each_victim, plain_record};
use crate::support::{
    Side, WIDE, acceptor, connector, error_kind, localhost, pattern, poll_read, receive, tls_error,
};

/// The maximum length of an encrypted record in rustls, for both versions: one byte less than the
/// overhead of 2,048 bytes that RFC 5246, section 6.2.3, allows.
const FULL_ENCRYPTED: usize = FULL + 2048 - 1;

#[test]
fn the_largest_plaintext_is_read() {
    for_each_victim(|mut victim| {
        let bytes = pattern(3 * FULL);
        for chunk in bytes.chunks(FULL) {
            victim.receives(DATA, chunk);
        }
        assert!(executor::block_on(receive(&mut victim.subject, bytes.len())) == bytes);
    });
}

#[test]
fn one_byte_more_is_an_error() {
    for_each_victim(|mut victim| {
        victim.receives(DATA, b"before");
        victim.receives(DATA, &[0; FULL + 1]);
        assert_eq!(
            executor::block_on(receive(&mut victim.subject, 6)),
            b"before"
        );
        assert_oversized(&mut victim, &Error::PeerSentOversizedRecord);
    });
}

#[test]
fn a_header_of_the_largest_length_waits_for_the_rest_and_one_more_does_not() {
    for_each_victim(|mut victim| {
        // It fails to decrypt, but only once it has arrived.
        let record = plain_record(DATA, &[0; FULL_ENCRYPTED]);
        let (last, start) = record.split_last().expect("a record");
        victim.io.inject(start);
        let read = poll_read(&mut victim.subject, 64);
        assert!(read.is_pending(), "{read:?}");
        victim.io.inject(&[*last]);
        assert_oversized(&mut victim, &Error::DecryptError);
    });
    for_each_victim(|mut victim| {
        let record = plain_record(DATA, &[0; FULL_ENCRYPTED + 1]);
        victim.io.inject(&record[..5]);
        let too_large = Error::InvalidMessage(InvalidMessage::MessageTooLarge);
        assert_oversized(&mut victim, &too_large);
    });
}

#[test]
fn a_handshake_record_of_one_byte_too_many_is_an_error() {
    for version in Version::ALL {
        for under_test in Side::BOTH {
            let (end, _peer) = pipe(WIDE);
            let record = plain_record(HANDSHAKE, &[0; FULL_ENCRYPTED + 1]);
            end.control().inject(&record);
            let setup = Setup::new(version);
            let error = match under_test {
                Side::Client => {
                    executor::block_on(connector(setup.client()).connect(localhost(), end))
                        .expect_err("too large")
                }
                Side::Server => {
                    executor::block_on(acceptor(setup.server()).accept(end)).expect_err("too large")
                }
            };
            assert_eq!(
                tls_error(&error),
                &Error::InvalidMessage(InvalidMessage::MessageTooLarge)
            );
        }
    }
}

fn assert_oversized(victim: &mut Victim, expected: &Error) {
    for _ in 0..2 {
        let error = executor::block_on(victim.subject.read_u8()).expect_err("too large");
        assert_eq!(tls_error(&error), expected);
        assert_eq!(error_kind(&error), Some(ErrorKind::Misbehaved));
    }
}
