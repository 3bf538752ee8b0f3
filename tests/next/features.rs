//! Settings and queries of a program: protocols, exporters, batches, sizes of records.

use std::time::Duration;

use pollback::next::rustls::HandshakeKind;
use pollback::next::rustls::enums::ApplicationProtocol;
use pollback::rustls::AlertDescription;
use pollback::{ErrorKind, Options, RecordSizing};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::{Operation, pipe};
use tokio::io::AsyncWriteExt;

use crate::engine::Setup;
use crate::support::{
    WIDE, acceptor, connector, error_kind, handshake, localhost, pattern, read_what_is_there,
    receive, records, send,
};

fn for_each_version(test: impl Fn(Version)) {
    for version in Version::ALL {
        eprintln!("{version:?}");
        test(version);
    }
}

#[test]
fn both_sides_agree_on_a_protocol() {
    for_each_version(|version| {
        let setup = Setup::new(version);
        let (near, far) = pipe(WIDE);
        let offered = vec![ApplicationProtocol::Http2, ApplicationProtocol::Http11];
        let connector = connector(setup.client()).with_alpn(offered);
        let (client, server) = executor::join(
            connector.connect(localhost(), near),
            acceptor(setup.alpn(&["http/1.1"]).server()).accept(far),
        );
        let agreed = Some(&ApplicationProtocol::Http11);
        assert_eq!(
            client.expect("a client").get_ref().1.alpn_protocol(),
            agreed
        );
        assert_eq!(
            server.expect("a server").get_ref().1.alpn_protocol(),
            agreed
        );
    });
}

#[test]
fn a_protocol_without_a_name_is_rejected() {
    let setup = Setup::new(Version::Tls13).alpn(&[""]);
    let (near, _peer) = pipe(WIDE);
    let connected = executor::block_on(connector(setup.client()).connect(localhost(), near));
    let error = connected.expect_err("no name");
    assert_eq!(error_kind(&error), Some(ErrorKind::InvalidAlpn));
    let (_peer, far) = pipe(WIDE);
    let accepted = executor::block_on(acceptor(setup.server()).accept(far));
    let error = accepted.expect_err("no name");
    assert_eq!(error_kind(&error), Some(ErrorKind::InvalidAlpn));
}

#[test]
fn both_sides_derive_the_same_keying_material() {
    for_each_version(|version| {
        let setup = Setup::new(version);
        let (mut client, mut server) = handshake(setup.client(), setup.server(), pipe(WIDE));
        let derive = |exporter: pollback::next::rustls::KeyingMaterialExporter| {
            let derived = exporter.derive(b"EXPERIMENTAL test", None, [0; 32]);
            derived.expect("keying material")
        };
        let ours = derive(client.get_mut().1.exporter().expect("an exporter"));
        let theirs = derive(server.get_mut().1.exporter().expect("an exporter"));
        assert_eq!(ours, theirs);
        client
            .get_mut()
            .1
            .exporter()
            .map(drop)
            .expect_err("it was taken before");
    });
}

#[test]
fn a_ticket_makes_the_next_handshake_shorter() {
    for_each_version(|version| {
        let setup = Setup::new(version);
        let (client, server) = (setup.client(), setup.server());
        for kind in [
            HandshakeKind::Full,
            HandshakeKind::Resumed,
            HandshakeKind::Resumed,
        ] {
            let (mut client, mut server) = handshake(client.clone(), server.clone(), pipe(WIDE));
            assert_eq!(client.get_ref().1.handshake_kind(), Some(kind));
            executor::join(send(&mut server, b"."), receive(&mut client, 1));
        }
    });
}

#[test]
fn a_server_knows_the_requested_name() {
    for_each_version(|version| {
        let setup = Setup::new(version);
        let (_client, server) = handshake(setup.client(), setup.server(), pipe(WIDE));
        let name = server.get_ref().1.side().server_name();
        assert_eq!(name.map(AsRef::as_ref), Some("localhost"));
    });
}

/// How many records a client makes with these options for data that is written in parts.
fn written(version: Version, options: Options, part: usize, total: usize) -> (usize, usize) {
    let setup = Setup::new(version);
    let (near, far) = pipe(WIDE);
    let io = near.control();
    let (client, server) = executor::join(
        connector(setup.client())
            .with_options(options)
            .connect(localhost(), near),
        acceptor(setup.server()).accept(far),
    );
    let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
    let bytes = pattern(total);
    let (before, calls) = (io.written().len(), io.counts().writes());
    executor::block_on(async {
        for part in bytes.chunks(part) {
            client.write_all(part).await.expect("a write");
        }
        client.flush().await.expect("a flush");
    });
    assert!(read_what_is_there(&mut server) == bytes);
    (
        records(&io.written()[before..]).len(),
        io.counts().writes() - calls,
    )
}

#[test]
fn batched_writes_share_records_and_calls() {
    for_each_version(|version| {
        let batched = Options::new().with_batched_writes(true);
        assert_eq!(written(version, Options::new(), 100, 10_000), (100, 100));
        assert_eq!(written(version, batched, 100, 10_000), (1, 1));
    });
}

#[test]
fn records_start_small_and_grow() {
    for_each_version(|version| {
        let sizing = RecordSizing::new(1000, Duration::from_secs(3600));
        let sized = Options::new().with_record_sizing(sizing);
        let (full, _) = written(version, Options::new(), 65_536, 65_536);
        let (grown, calls) = written(version, sized, 65_536, 65_536);
        assert!((2 * full..8 * full).contains(&grown), "{grown} records");
        assert_eq!(calls, 1);
    });
}

#[test]
fn data_behind_a_blocked_transport_has_a_limit() {
    for_each_version(|version| {
        let setup = Setup::new(version);
        let ends = pipe(WIDE);
        let io = ends.0.control();
        let (mut client, mut server) = handshake(setup.client(), setup.server(), ends);
        io.block(Operation::Write);
        let bytes = pattern(1 << 20);
        let mut taken = 0;
        while let std::task::Poll::Ready(count) =
            crate::support::poll_once(client.write(&bytes[taken..]))
        {
            taken += count.expect("a write");
        }
        assert!((32 << 10..=64 << 10).contains(&taken), "{taken} bytes");
        io.unblock(Operation::Write);
        executor::join(
            send(&mut client, &bytes[taken..]),
            receive(&mut server, bytes.len()),
        );
    });
}

/// Failures of rustls 0.24 have the same kinds as those of 0.23.
#[test]
fn failures_have_the_kinds_that_they_have_on_the_other_version() {
    for_each_version(|version| {
        let setup = Setup::new(version);
        let stranger = Authority::new();
        for (client, server, ours, theirs) in [
            (
                setup.client_trusting(&stranger),
                setup.server(),
                ErrorKind::UnknownIssuer,
                Some(ErrorKind::Alert(AlertDescription::UnknownCA)),
            ),
            (
                setup.client(),
                setup.server_with(&Authority::shared().expired_server()),
                ErrorKind::Expired,
                Some(ErrorKind::Alert(AlertDescription::CertificateExpired)),
            ),
            (
                setup.client(),
                setup.server_with(&Authority::shared().server_for(&["another.example"])),
                ErrorKind::WrongName,
                Some(ErrorKind::Alert(AlertDescription::BadCertificate)),
            ),
            (
                setup.clone().alpn(&["h2"]).client(),
                setup.clone().alpn(&["http/1.1"]).server(),
                ErrorKind::Alert(AlertDescription::NoApplicationProtocol),
                Some(ErrorKind::NoCommonAlpn),
            ),
        ] {
            let (near, far) = pipe(WIDE);
            let (connected, accepted) = executor::join(
                connector(client).connect(localhost(), near),
                acceptor(server).accept(far),
            );
            let error = connected.expect_err("a failure");
            assert_eq!(error_kind(&error), Some(ours));
            assert_eq!(error_kind(&accepted.expect_err("a failure")), theirs);
        }
        let (near, _peer) = pipe(WIDE);
        near.control().inject(b"HTTP/1.1 400 Bad Request");
        let connected = executor::block_on(connector(setup.client()).connect(localhost(), near));
        let error = connected.expect_err("not TLS");
        assert_eq!(error_kind(&error), Some(ErrorKind::NotTls));
    });
}
