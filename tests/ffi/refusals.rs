//! Failures of TLS in a stream over rustls-ffi, on either side.

use std::error::Error as _;
use std::sync::Arc;

use pollback::ffi::FfiError;
use pollback::ffi::rustls_ffi::rustls_result;
use pollback::{Error, ErrorKind, TlsConnector, rustls};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Operation, pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::configs::ClientConfig;
use crate::support::{Side, acceptor, for_each_talk, kind, localhost, receive, send};

#[test]
fn a_client_that_rejects_the_server_reports_the_reason_on_both_sides() {
    for version in Version::ALL {
        let stranger = Authority::new();
        for (config, name, expected, alert) in [
            (
                ClientConfig::new(version),
                c"elsewhere.example",
                (ErrorKind::WrongName, rustls_result::CertNotValidForName),
                rustls::AlertDescription::BadCertificate,
            ),
            (
                ClientConfig::trusting(version, &stranger),
                c"localhost",
                (ErrorKind::UnknownIssuer, rustls_result::CertUnknownIssuer),
                rustls::AlertDescription::UnknownCA,
            ),
        ] {
            let (ours, theirs) = pipe(2);
            let (client, server) = executor::join(
                config.connection(name).handshake(ours),
                acceptor(version).accept(theirs),
            );
            let error = Error::find(&client.unwrap_err()).expect("an error of TLS");
            let source = error.source().expect("a source");
            let refused: &FfiError = source.downcast_ref().expect("a result of rustls-ffi");
            assert_eq!((error.kind(), refused.result()), expected);
            assert_eq!(kind(server), Some(ErrorKind::Alert(alert)));
        }
    }
}

#[test]
fn a_server_reports_the_alert_of_its_client() {
    for version in Version::ALL {
        let (ours, theirs) = pipe(2);
        let stranger = Setup::new(version).client_trusting(&Authority::new());
        let connector = TlsConnector::from(Arc::new(stranger));
        let (server, client) = executor::join(
            Side::Server.connection(version).handshake(ours),
            connector.connect(localhost(), theirs),
        );
        assert_eq!(kind(client), Some(ErrorKind::UnknownIssuer));
        let alert = ErrorKind::Alert(rustls::AlertDescription::UnknownCA);
        assert_eq!(kind(server), Some(alert));
    }
}

#[test]
fn a_failure_is_returned_by_every_later_call() {
    for_each_talk(|mut talk| {
        talk.subject_io.inject(&[23, 3, 3, 0, 20]);
        talk.subject_io.inject(&[0; 20]);
        for _ in 0..2 {
            let read = executor::block_on(talk.subject.read(&mut [0]));
            assert_eq!(kind(read), Some(ErrorKind::Misbehaved));
            let write = executor::block_on(talk.subject.write(b"x"));
            assert_eq!(kind(write), Some(ErrorKind::Misbehaved));
        }
        let alert = ErrorKind::Alert(rustls::AlertDescription::BadRecordMac);
        assert_eq!(
            kind(executor::block_on(talk.peer.read(&mut [0]))),
            Some(alert)
        );
    });
}

#[test]
fn data_before_a_failure_is_read_first() {
    for_each_talk(|mut talk| {
        executor::block_on(send(&mut talk.peer, b"still valid"));
        talk.subject_io.inject(&[23, 3, 3, 0, 20]);
        talk.subject_io.inject(&[0; 20]);
        let received = executor::block_on(receive(&mut talk.subject, 11));
        assert_eq!(received, b"still valid");
        let read = executor::block_on(talk.subject.read(&mut [0]));
        assert_eq!(kind(read), Some(ErrorKind::Misbehaved));
    });
}

#[test]
fn an_alert_of_the_peer_is_reported_at_once() {
    for_each_talk(|mut talk| {
        talk.subject_io.block(Operation::Write);
        let mut executor = Executor::new();
        executor.spawn("writer", talk.subject.write_all(&[0; 100_000]));
        assert!(!executor.run_until_stalled());
        drop(executor);

        talk.peer_io.inject(&[23, 3, 3, 0, 20]);
        talk.peer_io.inject(&[0; 20]);
        let read = executor::block_on(talk.peer.read(&mut [0]));
        assert_eq!(kind(read), Some(ErrorKind::Misbehaved));
        let alert = ErrorKind::Alert(rustls::AlertDescription::BadRecordMac);
        let read = executor::block_on(talk.subject.read(&mut [0]));
        assert_eq!(kind(read), Some(alert));
    });
}
