//! The contents of a hello, however it arrives.

use super::{
    WIDE, configs, connect, error_kind, first_bytes, for_each_shape, in_records_of, setup,
};
use pollback::ErrorKind;
use pollback::hello::{self, ClientHello};
use pollback::rustls::{
    AlertDescription, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme,
};
use pollback_testkit::configs::Version;
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::hellos::{of_length, records};
use pollback_testkit::pipe::{Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::AsyncWriteExt;

fn assert_tells_all(hello: &ClientHello, version: Version) {
    let (suite, wire) = match version {
        Version::Tls12 => (
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            ProtocolVersion::TLSv1_2,
        ),
        Version::Tls13 => (
            CipherSuite::TLS13_AES_128_GCM_SHA256,
            ProtocolVersion::TLSv1_3,
        ),
    };
    assert_eq!(hello.server_name(), Some("localhost"));
    assert_eq!(hello.server_name_bytes(), Some(&b"localhost"[..]));
    let alpn: Vec<_> = hello.alpn().unwrap().collect();
    assert_eq!(alpn, [&b"h2"[..], b"http/1.1"]);
    assert!(hello.cipher_suites().any(|offered| offered == suite));
    let mut schemes = hello.signature_schemes();
    assert!(schemes.any(|scheme| scheme == SignatureScheme::ECDSA_NISTP256_SHA256));
    assert_eq!(hello.versions().collect::<Vec<_>>(), [wire]);
    let groups: Vec<_> = hello.named_groups().collect();
    assert!(groups.contains(&NamedGroup::X25519), "{groups:?}");
    let extensions: Vec<_> = hello.extensions().map(|(kind, _)| kind).collect();
    assert!(extensions.contains(&16), "ALPN: {extensions:?}");
}

#[test]
fn a_hello_is_parsed_over_every_transport_and_keeps_its_bytes() {
    for_each_shape(|version, shape| {
        let (near, far) = shape.open();
        let io = near.control();
        let mut executor = Executor::new();
        let _client = executor.spawn("client", connect(configs(&setup(version)).0, near));
        let look = executor.spawn("server", hello::peek(far));
        executor.run_until_stalled();
        let incoming = look.take().expect("a hello");
        let hello = incoming.client_hello();
        assert_tells_all(hello, version);
        assert_eq!(hello.records(), io.written());
        assert_eq!(hello.message(), &io.written()[5..]);
    });
}

#[test]
fn a_hello_may_arrive_byte_by_byte() {
    for version in Version::ALL {
        let bytes = first_bytes(version);
        let (near, far) = pipe(WIDE);
        let (io, transport) = (far.control(), far.control());
        let transports = [&transport];
        let mut executor = Executor::new();
        let look = executor.spawn("server", Watched::new(hello::peek(far), &transports));
        for byte in &bytes {
            assert!(!executor.run_until_stalled(), "a hello before its end");
            io.inject(&[*byte]);
        }
        executor.run();
        let incoming = look.take().expect("a hello");
        assert_tells_all(incoming.client_hello(), version);
        assert_eq!(incoming.client_hello().records(), bytes);
        drop(near);
    }
}

#[test]
fn a_hello_in_many_small_reads_is_read_in_a_few_polls() {
    let bytes = records(&of_length(5000), 16_384);
    let (_near, far) = pipe(WIDE);
    let io = far.control();
    io.at_most(Operation::Read, 1);
    io.inject(&bytes);
    let mut executor = Executor::new();
    let look = executor.spawn("server", hello::peek(far));
    executor.run();
    assert_eq!(io.counts().read.calls, bytes.len());
    assert_eq!(
        look.take().expect("a hello").client_hello().records(),
        bytes
    );
    // More than one, so that other tasks run in between.
    let polls = executor.polls(&look);
    assert!((2..=10).contains(&polls), "{polls} polls");
}

#[test]
fn a_hello_may_arrive_in_many_records() {
    for version in Version::ALL {
        let record = first_bytes(version);
        for size in [1, 3, 4, 100, record.len() - 6] {
            let records = in_records_of(size, &record);
            let (_near, far) = pipe(WIDE);
            let io = far.control();
            io.inject(&records);
            io.inject(b"what follows is none of its business");
            let incoming = one(hello::peek(far)).expect("a hello");
            let hello = incoming.client_hello();
            assert_tells_all(hello, version);
            assert_eq!(hello.records(), records, "{size}");
            assert_eq!(hello.message(), &record[5..], "{size}");
            assert_eq!(io.unread(), 36, "{size}");
        }
    }
}

#[test]
fn an_old_client_offers_its_latest_version() {
    let mut record = first_bytes(Version::Tls12);
    // The extension supported_versions becomes an unknown one.
    let place = record
        .windows(7)
        .position(|window| window == [0, 43, 0, 3, 2, 3, 3])
        .expect("the client offers TLS 1.2");
    record[place] = 0xfa;
    let (_near, far) = pipe(WIDE);
    far.control().inject(&record);
    let incoming = one(hello::peek(far)).expect("a hello");
    let versions: Vec<_> = incoming.client_hello().versions().collect();
    assert_eq!(versions, [ProtocolVersion::TLSv1_2]);
}

#[test]
fn a_hello_beyond_the_limit_is_rejected() {
    let bytes = first_bytes(Version::Tls13);
    let length = bytes.len() - 5 - 4;
    for (limit, fits) in [(length, true), (length - 1, false), (0, false)] {
        let (near, far) = pipe(WIDE);
        let (io, answer) = (far.control(), far.control());
        io.inject(&bytes);
        let outcome = one(hello::peek(far).with_limit(limit));
        assert_eq!(outcome.is_ok(), fits, "{limit}");
        if let Err(error) = outcome {
            assert_eq!(error_kind(&error), Some(ErrorKind::TooLong));
            assert_eq!(
                answer.written(),
                super::alert(AlertDescription::DecodeError)
            );
        }
        drop(near);
    }
}

#[test]
fn a_hello_that_is_too_long_is_rejected_before_it_is_read() {
    // A message of 65,537 bytes.
    let mut message = vec![22, 3, 1, 0, 0, 1, 1, 0, 1];
    message.resize(5 + 4 + 65_537, 0);
    for size in [1, 100, 16_384] {
        let records = in_records_of(size, &message);
        let (_near, far) = pipe(WIDE);
        let io = far.control();
        io.inject(&records);
        let mut peek = hello::peek(far).without_alert();
        let error = one(&mut peek).expect_err("too long");
        assert_eq!(error_kind(&error), Some(ErrorKind::TooLong));
        let rewind = peek.take_io().expect("it failed");
        assert_eq!(rewind.bytes().len() + io.unread(), records.len());
        assert!(rewind.bytes().len() < 100, "{size}");
    }
}

#[test]
fn the_end_of_the_stream_is_an_error() {
    let bytes = first_bytes(Version::Tls13);
    for length in [0, 1, 4, 5, 6, bytes.len() - 1] {
        let (mut near, far) = pipe(WIDE);
        let (error, ()) = executor::join(hello::peek(far), async {
            near.write_all(&bytes[..length]).await.unwrap();
            near.shutdown().await.unwrap();
        });
        let error = error.expect_err("cut off");
        assert_eq!(error_kind(&error), Some(ErrorKind::Truncated), "{length}");
    }
}

#[test]
fn one_read_is_made_for_a_silent_client() {
    let (_near, far) = pipe(WIDE);
    let io = far.control();
    let mut executor = Executor::new();
    let look = executor.spawn("server", hello::peek(far));
    assert!(!executor.run_until_stalled());
    assert_eq!(io.counts().read.calls, 1);
    io.inject(&[22, 3, 1, 1]);
    assert!(!executor.run_until_stalled());
    assert!(!look.is_finished());
}

/// Runs one future to completion.
fn one<F: Future>(future: F) -> F::Output {
    let mut executor = Executor::new();
    let output = executor.spawn("the only task", future);
    executor.run();
    output.take()
}
