//! A peer that endlessly sends messages that cost work and carry no data: memory and work are
//! bounded, and the result is a typed error.

use std::task::Poll;

use pollback::rustls::{Error, InvalidMessage, PeerMisbehaved};
use pollback::{ErrorKind, TlsStream};
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Control, End, Operation, pipe};
use tokio::io::AsyncWriteExt;

use crate::forger::{ALERT, DATA, Forger, HANDSHAKE, Victim, for_each_victim, plain_record};
use crate::heap;
use crate::support::{
    Side, Talk, WIDE, acceptor, connector, error_kind, localhost, poll_once, poll_read, receive,
    request_key_update, send, tls_error,
};

/// More of any message than a peer could need.
const MANY: usize = 20_000;

/// The memory that a connection may hold: a buffer for read-ahead, one of rustls for an incomplete
/// message, and some reserve.
const MEMORY: isize = 256 * 1024;

/// The warning `user_canceled`, which TLS 1.3 also allows.
const USER_CANCELED: [u8; 2] = [1, 90];

#[test]
fn of_empty_records() {
    for_each_victim(|victim| {
        let error = flooded(victim, |forger| forger.record(DATA, &[]));
        assert_eq!(
            error,
            Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments)
        );
    });
}

#[test]
fn of_warning_alerts() {
    for_each_victim(|victim| {
        let error = flooded(victim, |forger| forger.record(ALERT, &USER_CANCELED));
        assert_eq!(
            error,
            Error::PeerMisbehaved(PeerMisbehaved::TooManyWarningAlertsReceived)
        );
    });
}

#[test]
fn of_warning_alerts_during_the_handshake() {
    for version in Version::ALL {
        let (end, _peer) = pipe(WIDE);
        end.control()
            .inject(&plain_record(ALERT, &USER_CANCELED).repeat(MANY));
        let connect = connector(Setup::new(version).client()).connect(localhost(), end);
        let error = executor::block_on(connect).expect_err("a flood");
        assert_eq!(
            tls_error(&error),
            &Error::PeerMisbehaved(PeerMisbehaved::TooManyWarningAlertsReceived)
        );
    }
}

#[test]
fn of_key_updates() {
    for under_test in Side::BOTH {
        let Talk {
            mut subject,
            subject_io,
            mut peer,
            ..
        } = under_test.talk(Version::Tls13, pipe(WIDE));
        for _ in 0..1000 {
            request_key_update(&mut peer);
            assert!(poll_once(peer.flush()).is_ready());
        }
        let error = read_to_error(&mut subject, &subject_io);
        assert_eq!(
            tls_error(&error),
            &Error::PeerMisbehaved(PeerMisbehaved::TooManyKeyUpdateRequests)
        );
    }
}

/// With data in between any number of them is allowed; responses must not accumulate for a peer
/// that reads none.
#[test]
fn of_key_updates_between_data() {
    for under_test in Side::BOTH {
        let Talk {
            mut subject,
            subject_io,
            mut peer,
            peer_io,
        } = under_test.talk(Version::Tls13, pipe(WIDE));
        let flood: Vec<_> = (0..3000)
            .map(|_| {
                request_key_update(&mut peer);
                assert!(poll_once(send(&mut peer, b".")).is_ready());
                peer_io.take_unread_by_peer()
            })
            .collect();
        subject_io.block(Operation::Write);
        let before = heap::in_use();
        for piece in &flood {
            subject_io.inject(piece);
            let read = poll_read(&mut subject, 64);
            assert!(matches!(read, Poll::Ready(Ok(_))), "{read:?}");
        }
        let kept = heap::in_use() - before;
        // The responses would be more than 66,000 bytes; the records of the pipe about its calls
        // are also counted.
        assert!(
            kept < 32_000,
            "{kept} bytes kept for a peer that reads none"
        );

        // There is one response for all of them, after which both sides have new keys.
        subject_io.unblock(Operation::Write);
        executor::join(send(&mut subject, b"new"), receive(&mut peer, 3));
        executor::join(send(&mut peer, b"keys"), receive(&mut subject, 4));
    }
}

/// A message that is never completed, in fragments of one byte.
#[test]
fn of_one_byte_fragments() {
    for_each_victim(|victim| {
        let mut header = [0, 0, 0xff, 0xff].into_iter();
        let error = flooded(victim, |forger| {
            let byte = header.next().unwrap_or_default();
            forger.record(HANDSHAKE, &[byte])
        });
        assert_eq!(
            error,
            Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge)
        );
    });
}

#[test]
fn of_one_byte_fragments_during_the_handshake() {
    for version in Version::ALL {
        for header in [[1, 0, 0xff, 0xff], [1, 0xff, 0xff, 0xff]] {
            let mut flood = Vec::new();
            for byte in header.into_iter().chain([0; MANY]) {
                flood.extend(plain_record(HANDSHAKE, &[byte]));
            }
            let before = heap::in_use();
            let (end, _peer) = pipe(WIDE);
            end.control().inject(&flood);
            let filled = heap::in_use() - before;
            let mut accept = acceptor(Setup::new(version).server()).accept(end);
            let error = loop {
                if let Poll::Ready(outcome) = poll_once(&mut accept) {
                    break outcome.expect_err("a flood");
                }
            };
            assert_eq!(
                tls_error(&error),
                &Error::InvalidMessage(InvalidMessage::HandshakePayloadTooLarge)
            );
            assert_eq!(error_kind(&error), Some(ErrorKind::Misbehaved));
            assert!(heap::in_use() - before - filled < MEMORY);
        }
    }
}

/// rustls accepts any number of tickets, and keeps the last few. A flood of them must not starve
/// other tasks: each poll processes a bounded part.
#[test]
fn of_tickets() {
    let mut victim = Victim::new(Version::Tls13, Side::Client);
    victim.receives(DATA, b"first");
    assert_eq!(
        executor::block_on(receive(&mut victim.subject, 5)),
        b"first"
    );
    for _ in 0..2 {
        let flood = tickets(&mut victim.forger, 1 << 20);
        victim.io.inject(&flood);
        let before = heap::in_use();
        let mut left = victim.io.unread();
        while left > 0 {
            assert!(poll_read(&mut victim.subject, 64).is_pending());
            let taken = left - victim.io.unread();
            assert!(taken <= WORK, "{taken} bytes in one poll");
            assert!(taken > 0, "nothing in one poll");
            left -= taken;
        }
        assert!(heap::in_use() - before < MEMORY);
    }
    // A poll that stops has to wake its task.
    let flood = tickets(&mut victim.forger, 1 << 20);
    victim.io.inject(&flood);
    victim.receives(DATA, b"last");
    assert_eq!(executor::block_on(receive(&mut victim.subject, 4)), b"last");
}

#[test]
fn of_tickets_does_not_delay_a_shutdown() {
    let mut victim = Victim::new(Version::Tls13, Side::Client);
    let flood = tickets(&mut victim.forger, 1 << 20);
    victim.io.inject(&flood);
    assert!(matches!(
        poll_once(victim.subject.shutdown()),
        Poll::Ready(Ok(()))
    ));
    let taken = flood.len() - victim.io.unread().min(flood.len());
    assert!(taken <= WORK, "{taken} bytes in one poll");
}

/// The most ciphertext that one poll processes without returning plaintext.
const WORK: usize = 192 * 1024;

/// Records with one ticket each, about `length` bytes in total.
fn tickets(forger: &mut Forger, length: usize) -> Vec<u8> {
    // RFC 8446, section 4.6.1: the lifetime, the age offset, a nonce, the ticket, and no
    // extensions.
    const TICKET: &[u8] = &[
        4, 0, 0, 18, 0, 0, 14, 16, 0, 0, 0, 0, 1, 7, 0, 4, 1, 2, 3, 4, 0, 0,
    ];
    let mut records = Vec::new();
    while records.len() < length {
        records.extend(forger.record(HANDSHAKE, TICKET));
    }
    records
}

/// Sends records until there is an error, checks that memory is bounded and that the error is
/// permanent, and returns the error.
fn flooded(mut victim: Victim, mut record: impl FnMut(&mut Forger) -> Vec<u8>) -> Error {
    let flood: Vec<u8> = (0..MANY).flat_map(|_| record(&mut victim.forger)).collect();
    victim.io.inject(&flood);
    let before = heap::in_use();
    let error = read_to_error(&mut victim.subject, &victim.io);
    assert!(heap::in_use() - before < MEMORY);
    assert_eq!(error_kind(&error), Some(ErrorKind::Misbehaved));
    let Poll::Ready(Err(again)) = poll_read(&mut victim.subject, 64) else {
        panic!("{error:?} was not permanent");
    };
    assert_eq!(tls_error(&again), tls_error(&error));
    tls_error(&error).clone()
}

/// Expects reads to return only an error, in as many polls as are needed to read everything.
fn read_to_error(subject: &mut TlsStream<End>, io: &Control) -> std::io::Error {
    let mut idle = 0;
    loop {
        let unread = io.unread();
        match poll_read(subject, 64) {
            Poll::Ready(read) => return read.expect_err("a flood"),
            Poll::Pending if io.unread() < unread => idle = 0,
            // The bytes that were read ahead take a few polls.
            Poll::Pending => idle += 1,
        }
        assert!(idle < 16, "there was no result");
    }
}
