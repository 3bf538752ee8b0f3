//! Parsing bytes without a transport.

use pollback::hello::{ClientHello, LIMIT, Parser};
use pollback::rustls::{
    self, AlertDescription, CipherSuite, InvalidMessage, NamedGroup, ProtocolVersion,
};
use pollback::{Error, ErrorKind};
use pollback_testkit::hellos::{message, modern, of_length, old, records};
use std::error::Error as _;

/// Parses bytes in parts of this size, and returns the ClientHello or the error.
///
/// Checks properties that hold for every input.
pub(crate) fn parse_in_parts(bytes: &[u8], size: usize) -> Result<Option<ClientHello>, Error> {
    let mut parser = Parser::new();
    let mut pushed = 0;
    for part in bytes.chunks(size) {
        let missing = parser.missing();
        pushed += part.len();
        match parser.push(part) {
            Ok(taken) => {
                assert!(taken == part.len() || parser.missing() == 0);
                // A caller that reads no more than what is missing reads nothing after the hello.
                assert!(taken >= missing.min(part.len()));
                assert_eq!(parser.bytes().len(), pushed - part.len() + taken);
                if parser.missing() == 0 {
                    assert_eq!(parser.push(b"more").expect("there is a hello"), 0);
                    break;
                }
            }
            Err(error) => {
                assert_eq!(parser.missing(), 0);
                assert!(parser.bytes() == &bytes[..pushed], "bytes are lost");
                let again = parser.push(b"").expect_err("the error is permanent");
                assert_eq!(again.kind(), error.kind());
                assert!(parser.finish().is_none());
                return Err(error);
            }
        }
    }
    Ok(parser.finish())
}

fn kind(bytes: &[u8]) -> Option<ErrorKind> {
    ClientHello::parse(bytes).err().map(|error| error.kind())
}

#[test]
fn a_modern_hello_is_parsed_however_it_is_divided() {
    let message = modern(b"a.example");
    for size in [1, 2, 3, 4, 5, 100, 1000, message.len() - 1, 16_384] {
        let wire = records(&message, size);
        let sent = [&wire[..], b"and more"].concat();
        for step in [1, 2, 7, 1400, sent.len()] {
            let hello = parse_in_parts(&sent, step).expect("a hello");
            let hello = hello.expect("a whole one");
            assert!(hello.records() == wire, "{size} {step}");
            assert!(hello.message() == message, "{size} {step}");
            assert_eq!(hello.server_name(), Some("a.example"));
            let groups = [0x0a0a, 4588, 29, 23].map(NamedGroup::from);
            assert!(hello.named_groups().eq(groups));
            let versions = [0x7a7a, 0x0304, 0x0303].map(ProtocolVersion::from);
            assert!(hello.versions().eq(versions));
            let suites = [0x2a2a, 0x1301, 0xc02b].map(CipherSuite::from);
            assert!(hello.cipher_suites().eq(suites));
            let alpn = hello.alpn().expect("it is offered");
            assert!(alpn.eq([&b"h2"[..], b"http/1.1"]));
            assert_eq!(hello.signature_schemes().count(), 2);
            let kinds = [0x4a4a, 0, 10, 16, 13, 43, 51, 0xfe0d, 0x6a6a];
            assert!(hello.extensions().map(|(kind, _)| kind).eq(kinds));
            assert_eq!(hello.extension(0x6a6a), Some(&[0][..]));
            assert_eq!(hello.extension(0x1234), None);
            assert_eq!(hello.random(), [0x5a; 32]);
            assert_eq!(hello.session_id(), [0x11; 32]);
            assert_eq!(hello.compression_methods(), [0]);
            assert_eq!(hello.legacy_version(), ProtocolVersion::TLSv1_2);
        }
    }
}

#[test]
fn old_hellos_are_parsed() {
    for version in [0x0300, 0x0301, 0x0302, 0x0303] {
        let bytes = records(&old(version, b"old.example"), 16_384);
        let hello = ClientHello::parse(&bytes)
            .expect("a hello")
            .expect("complete");
        assert_eq!(hello.server_name(), Some("old.example"));
        let version = ProtocolVersion::from(version);
        assert!(hello.versions().eq([version]));
        assert_eq!(hello.legacy_version(), version);
        assert_eq!(hello.signature_schemes().count(), 0);
        assert_eq!(hello.named_groups().count(), 0);
        assert!(hello.alpn().is_none());
    }
    // Older still: without any extension.
    let bytes = records(&message(0x0301, &[0x002f], &[]), 16_384);
    let hello = ClientHello::parse(&bytes)
        .expect("a hello")
        .expect("complete");
    assert_eq!(hello.server_name(), None);
    assert_eq!(hello.extensions().count(), 0);
}

#[test]
fn a_hello_whose_lists_are_all_empty_is_the_shortest() {
    let mut message = vec![1, 0, 0, 38, 3, 3];
    message.extend([0x5a; 32]);
    message.extend([0; 4]);
    let hello = ClientHello::parse(&records(&message, 16_384));
    let hello = hello.expect("a hello").expect("whole");
    assert_eq!(hello.message(), message);
    assert_eq!(hello.session_id(), []);
    assert_eq!(hello.cipher_suites().count(), 0);
    assert_eq!(hello.compression_methods(), []);
    assert_eq!(hello.extensions().count(), 0);

    message[3] -= 1;
    message.pop();
    assert_eq!(
        kind(&records(&message, 16_384)),
        Some(ErrorKind::Misbehaved)
    );
}

#[test]
fn names_are_what_the_client_sent() {
    for name in [
        "[a.b]",
        "192.0.2.1",
        "[2001:db8::1]",
        "a.example.",
        "*.a.example",
        "a example",
        "under_score.example",
        "café.example",
        "",
        "a\0b",
    ] {
        let bytes = records(&modern(name.as_bytes()), 16_384);
        let hello = ClientHello::parse(&bytes)
            .expect("a hello")
            .expect("complete");
        assert_eq!(hello.server_name(), Some(name));
    }
    let parse = |name: &[u8]| {
        let bytes = records(&modern(name), 16_384);
        ClientHello::parse(&bytes)
            .expect("a hello")
            .expect("complete")
    };
    let hello = parse(b"UPPER.Example");
    assert_eq!(hello.server_name(), Some("upper.example"));
    assert_eq!(hello.server_name_bytes(), Some(&b"UPPER.Example"[..]));
    let hello = parse(b"\xff.example");
    assert_eq!(hello.server_name(), None);
    assert_eq!(hello.server_name_bytes(), Some(&b"\xff.example"[..]));
}

#[test]
fn a_name_after_others_is_found_and_a_malformed_list_has_none() {
    let parse = |body: &[u8]| {
        let bytes = records(&message(0x0303, &[1], &[(0, body.to_vec())]), 16_384);
        let hello = ClientHello::parse(&bytes)
            .expect("a hello")
            .expect("complete");
        hello.server_name().map(str::to_owned)
    };
    let other = b"\0\x0a\x07\0\x01x\0\0\x03one";
    assert_eq!(parse(other).as_deref(), Some("one"));
    for broken in [
        &b""[..],
        b"\0",
        b"\0\x06\0\0\x09abc",
        b"\0\x01\0",
        b"\0\x04\x07\0\x01x",
    ] {
        assert_eq!(parse(broken), None, "{broken:?}");
    }
}

#[test]
fn a_hello_of_64_kib_is_parsed_in_records_of_any_size() {
    let message = of_length(LIMIT);
    for size in [1, 2, 1000, 16_384, 65_535] {
        let wire = records(&message, size);
        // Also byte by byte: with quadratic work this would not end.
        for step in [1, 1400, wire.len()] {
            let hello = parse_in_parts(&wire, step).expect("a hello");
            let hello = hello.expect("a whole one");
            assert_eq!(hello.server_name(), Some("long.example"));
            assert!(hello.message() == message && hello.records() == wire);
        }
    }
    let longer = records(&of_length(LIMIT + 1), 16_384);
    assert_eq!(kind(&longer), Some(ErrorKind::TooLong));
    let mut parser = Parser::new().with_limit(LIMIT + 1);
    assert_eq!(parser.push(&longer).expect("it fits"), longer.len());
    assert!(parser.finish().is_some());
}

#[test]
fn a_hello_ends_where_its_message_does() {
    // More of the same record follows, which is not parsed.
    let message = modern(b"a.example");
    let mut wire = records(&[&message[..], b"more"].concat(), 16_384);
    let hello = ClientHello::parse(&wire)
        .expect("a hello")
        .expect("complete");
    wire.truncate(wire.len() - 4);
    assert!(hello.records() == wire);
    assert!(hello.message() == message);
}

#[test]
fn an_incomplete_parser_returns_its_bytes() {
    let wire = records(&modern(b"a.example"), 100);
    let mut parser = Parser::new();
    parser.push(&wire[..150]).expect("the beginning of a hello");
    assert_eq!(parser.into_bytes(), &wire[..150]);
}

#[test]
fn empty_records_are_skipped() {
    let message = modern(b"a.example");
    let empty = [22, 3, 1, 0, 0];
    let (first, second) = message.split_at(10);
    let wire = [
        &empty,
        &empty,
        &records(first, 5)[..],
        &empty,
        &records(second, 16_384),
    ]
    .concat();
    for step in [1, 5, wire.len()] {
        let hello = parse_in_parts(&wire, step).expect("a hello");
        assert!(hello.expect("complete").records() == wire);
    }
}

/// As many as rustls accepts.
#[test]
fn empty_records_up_to_the_limit_are_skipped_and_one_more_is_rejected() {
    const ALLOWED: usize = 32;
    let empty = [22, 3, 1, 0, 0];
    for (count, is_allowed) in [(ALLOWED, true), (ALLOWED + 1, false)] {
        let wire = [empty.repeat(count), records(&modern(b"a.example"), 16_384)].concat();
        assert_eq!(parse_in_parts(&wire, 5).is_ok(), is_allowed, "{count}");
    }
}

#[test]
fn an_alert_of_another_length_is_an_error() {
    for length in [0, 1, 3, 100] {
        let error = parse_in_parts(&[21, 3, 3, 0, length, 2, 40], 7).expect_err("no hello");
        let source = error.source().and_then(|source| source.downcast_ref());
        let cut_off = InvalidMessage::MissingData("Alert");
        assert_eq!(
            source,
            Some(&rustls::Error::InvalidMessage(cut_off)),
            "{length}"
        );
    }
}

#[test]
fn compression_methods_are_listed() {
    let message = modern(b"a.example");
    // After the version, the random, the session and three cipher suites.
    let methods = 4 + 2 + 32 + 1 + 32 + 2 + 6;
    assert_eq!(message[methods..][..2], [1, 0]);
    let mut other = [&message[..methods], &[2, 1, 0], &message[methods + 2..]].concat();
    let length = u16::try_from(other.len() - 4).expect("a short message");
    other[2..4].copy_from_slice(&length.to_be_bytes());
    let hello = parse_in_parts(&records(&other, 16_384), 4096).expect("a hello");
    assert_eq!(hello.expect("a whole hello").compression_methods(), [1, 0]);
}

#[test]
fn endless_empty_records_are_rejected() {
    let empty = [22, 3, 1, 0, 0].repeat(1000);
    let mut parser = Parser::new();
    let error = empty.chunks(5).find_map(|record| parser.push(record).err());
    let error = error.expect("too many");
    assert_eq!(error.kind(), ErrorKind::Misbehaved);
    assert!(parser.bytes().len() < 200);
}

#[test]
fn other_protocols_are_recognized_by_their_first_bytes() {
    for start in [
        &b"h"[..],
        b"G",
        b"GET / HTTP/1.1\r\n",
        b"SSH-2.0-x\r\n",
        b"\n",
        // PostgreSQL, the remote desktop protocol, and a hello of SSL 2.
        &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f],
        &[3, 0, 0, 0x13, 0x0e],
        &[0x80, 0x2e, 1, 3, 1],
        &[22, 2],
        &[22, 4, 0],
        &[23, 0],
        &[24],
    ] {
        assert_eq!(kind(start), Some(ErrorKind::NotTls), "{start:?}");
    }
    for start in [&b""[..], &[22], &[20], &[21], &[23], &[22, 3], &[22, 3, 9]] {
        assert_eq!(kind(start), None, "{start:?}");
    }
}

#[test]
fn tls_without_a_hello_is_distinguished_by_its_kind() {
    let hello = records(&modern(b"a.example"), 100);
    let within = |bytes: &[u8]| [&hello[..105], bytes].concat();
    let misbehaved = Some(ErrorKind::Misbehaved);
    let alert = Some(ErrorKind::Alert(AlertDescription::UnknownCA));
    for (what, bytes, expected) in [
        ("data", vec![23, 3, 3, 0, 1], misbehaved),
        ("a change of the cipher", vec![20, 3, 3, 0, 1], misbehaved),
        ("a server's hello", vec![22, 3, 3, 0, 60, 2], misbehaved),
        (
            "a short hello",
            vec![22, 3, 3, 0, 5, 1, 0, 0, 1, 3],
            misbehaved,
        ),
        ("data within", within(&[23, 3, 3, 0, 1]), misbehaved),
        ("an alert", vec![21, 3, 3, 0, 2, 2, 48], alert),
        ("an alert within", within(&[21, 3, 3, 0, 2, 2, 48]), alert),
        ("half an alert", vec![21, 3, 3, 0, 2, 2], None),
        ("an odd alert", vec![21, 3, 3, 0, 3], misbehaved),
    ] {
        for step in [1, bytes.len()] {
            let error = parse_in_parts(&bytes, step).err();
            assert_eq!(error.map(|error| error.kind()), expected, "{what}");
        }
    }
    let error = ClientHello::parse(&[23, 3, 3, 0, 1]).expect_err("data");
    let source = error.source().expect("its cause is kept");
    assert!(source.to_string().contains("ApplicationData"), "{source}");
}

#[test]
fn a_hello_with_inconsistent_lengths_is_rejected() {
    let whole = modern(b"a.example");
    // The lengths of the session, the cipher suites, the compression methods and the extensions.
    for place in [38, 71, 79, 81] {
        let mut message = whole.clone();
        message[place] = 0xff;
        let error = kind(&records(&message, 16_384));
        assert_eq!(error, Some(ErrorKind::Misbehaved), "{place}");
    }
}
