//! The PROXY protocol: parsing and encoding.
#![cfg(feature = "proxy-protocol")]

use pollback::ErrorKind;
use pollback::proxy_protocol::{
    HeaderError, ProxiedAddress, ProxyHeader, Transport, UnixAddress, read_header,
};
use pollback_testkit::executor;
use pollback_testkit::pipe::{Answer, Operation, pipe};
use std::io;
use std::net::SocketAddr;
use tokio::io::AsyncReadExt;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

/// 192.0.2.1:4660 and 192.0.2.2:443.
const FOUR: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 2, 0x12, 0x34, 1, 0xbb];

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, body].concat()
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn parse(bytes: &[u8]) -> ProxyHeader {
    let (header, length) = ProxyHeader::parse(bytes)
        .unwrap_or_else(|error| panic!("{error}: {bytes:?}"))
        .expect("a whole header");
    assert_eq!(length, bytes.len());
    header
}

/// The source of a relayed connection.
fn source(bytes: &[u8]) -> Option<String> {
    let header = parse(bytes);
    assert!(!header.is_local());
    header
        .proxied_address()
        .map(|address| address.source.to_string())
}

#[test]
fn a_local_header_may_have_any_family_and_length() {
    // As sent by the load balancers of Amazon: a family, no addresses, and TLVs.
    let balancer = [&[3, 0, 4, 0xbc, 0xe5, 0x95, 0x1f, 4, 0, 0x4a][..], &[0; 74]].concat();
    for (family, body) in [
        (0x00, &b""[..]),
        (0x00, &[3, 0, 4, 1, 2, 3, 4]),
        (0x01, &[]),
        (0x10, &[0; 12]),
        (0x11, &[]),
        (0x11, &[0; 3]),
        (0x11, &[0; 12]),
        (0x11, &FOUR),
        (0x11, &[3, 0, 4, 1, 2, 3, 4]),
        (0x11, &balancer),
        (0x21, &[]),
        (0x31, &[]),
        (0x77, &[0; 1000]),
    ] {
        let header = parse(&v2(LOCAL, family, body));
        assert!(header.is_local());
        assert_eq!(header.proxied_address(), None);
        assert_eq!(header.unix_address(), None);
        assert_eq!(header.tlvs().count(), 0);
        assert_eq!(header, ProxyHeader::local());
    }
}

#[test]
fn lines_of_version_1_are_parsed() {
    let longest = b"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
        ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n";
    assert_eq!(longest.len(), 104);
    let widest = [&b"PROXY UNKNOWN "[..], &[b'x'; 91], b"\r\n"].concat();
    assert_eq!(widest.len(), 107);
    for (line, from) in [
        (
            &b"PROXY TCP4 192.0.2.1 192.0.2.2 4660 443\r\n"[..],
            Some("192.0.2.1:4660"),
        ),
        (b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", Some("0.0.0.0:0")),
        (b"PROXY TCP6 :: :: 0 0\r\n", Some("[::]:0")),
        (
            b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n",
            Some("[::ffff:192.0.2.1]:1"),
        ),
        (
            longest,
            Some("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
        ),
        (b"PROXY UNKNOWN\r\n", None),
        (
            b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
            None,
        ),
        (b"PROXY UNKNOWN \xff\xfe\r \0\r\n", None),
        (&widest, None),
    ] {
        assert_eq!(source(line).as_deref(), from);
    }
}

#[test]
fn addresses_of_version_2_are_parsed() {
    let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 28], &[0, 80, 1, 0xbb]].concat();
    for (family, body, from, transport) in [
        (0x11, &FOUR[..], "192.0.2.1:4660", Transport::Stream),
        (0x12, &FOUR, "192.0.2.1:4660", Transport::Datagram),
        (0x10, &FOUR, "192.0.2.1:4660", Transport::Unspecified),
        (0x21, &six, "[2001:db8::]:80", Transport::Stream),
        (0x22, &six, "[2001:db8::]:80", Transport::Datagram),
    ] {
        let header = parse(&v2(PROXY, family, body));
        let proxied = header.proxied_address().expect("addresses");
        assert_eq!(proxied.source, address(from));
        assert_eq!(proxied.transport, transport);
        assert_eq!(proxied.destination.port(), 443);
        assert_eq!(header.unix_address(), None);
    }
}

#[test]
fn unix_sockets_are_named_by_their_paths() {
    let pad = |path: &[u8]| [path, &vec![0; 108 - path.len()]].concat();
    let body = [pad(b"/run/a"), pad(b"\0abstract"), vec![2, 0, 1, b'n']].concat();
    let bytes = v2(PROXY, 0x31, &body);
    let header = parse(&bytes);
    assert_eq!(header.proxied_address(), None);
    let UnixAddress {
        source,
        destination,
        transport,
        ..
    } = header.unix_address().expect("paths");
    assert_eq!(
        (source, destination),
        (&b"/run/a".to_vec(), &b"\0abstract".to_vec())
    );
    assert_eq!(*transport, Transport::Stream);
    assert_eq!(header.authority(), Some("n"));
    assert_eq!(header.to_v2().expect("a short header"), bytes);
    let header = parse(&v2(PROXY, 0x32, &[0; 216]));
    assert_eq!(header.unix_address().expect("paths").source, b"");
    let full = [b'x'; 216];
    let header = parse(&v2(PROXY, 0x31, &full));
    assert_eq!(
        header.unix_address().expect("paths").destination,
        [b'x'; 108]
    );
}

#[test]
fn unsupported_addresses_are_unknown() {
    for body in [&b""[..], &[1], &[0; 40], &[0xff; 300], &FOUR] {
        let header = parse(&v2(PROXY, 0x00, body));
        assert!(!header.is_local());
        assert_eq!(header.proxied_address(), None);
        assert_eq!(header.unix_address(), None);
    }
    let header = parse(&v2(PROXY, 0x00, &[2, 0, 1, b'n']));
    assert_eq!(header.authority(), Some("n"));
    let header = parse(&v2(PROXY, 0x01, &[0xff; 3]));
    assert_eq!(header.tlvs().count(), 0);
}

#[test]
fn tlvs_are_parsed() {
    let ssl = [
        &[0b111, 0, 0, 0, 0, 0x21, 0, 7][..],
        b"TLSv1.3\x22\0\x02me\x23\0\x03AES",
    ]
    .concat();
    let header = ProxyHeader::new(ProxiedAddress::stream(
        address("[::1]:1"),
        address("[::2]:2"),
    ))
    .with_authority("one.example")
    .with_alpn(b"h2")
    .with_tlv(5, b"id")
    .with_tlv(0x20, &ssl)
    .with_tlv(0xea, b"\x01vpce-1")
    .with_tlv(4, &[0; 100])
    .with_tlv(2, b"another");
    let header = parse(&header.to_v2().expect("a short header"));
    assert_eq!(header.authority(), Some("one.example"));
    assert_eq!(header.alpn(), Some(&b"h2"[..]));
    assert_eq!(header.unique_id(), Some(&b"id"[..]));
    assert_eq!(header.tlv(0xea), Some(&b"\x01vpce-1"[..]));
    let kinds: Vec<_> = header.tlvs().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [2, 1, 5, 0x20, 0xea, 4, 2]);
    let ssl = header.ssl().expect("TLS");
    assert!(ssl.is_tls() && ssl.is_client_verified());
    assert_eq!(ssl.version(), Some("TLSv1.3"));
    assert_eq!(ssl.common_name(), Some("me"));
    assert_eq!(ssl.cipher(), Some("AES"));
    assert_eq!(ssl.tlvs().count(), 3);

    for (value, is_tls, is_verified) in [
        (&[0, 0, 0, 0, 0][..], false, false),
        (&[1, 0, 0, 0, 1], true, false),
        (&[3, 0, 0, 0, 1], true, false),
        (&[1, 0, 0, 0, 0], true, false),
        (&[5, 0, 0, 0, 0], true, true),
    ] {
        let header = ProxyHeader::unknown().with_tlv(0x20, value);
        let ssl = header.ssl().expect("TLS");
        assert_eq!(
            (ssl.is_tls(), ssl.is_client_verified()),
            (is_tls, is_verified)
        );
        assert_eq!(ssl.version(), None);
    }
    assert!(ProxyHeader::unknown().with_tlv(0x20, &[1]).ssl().is_none());
    let header = ProxyHeader::unknown().with_tlv(2, b"\xff");
    assert_eq!(header.authority(), None);
}

#[test]
fn checksums_are_verified() {
    let address = ProxiedAddress::stream(address("192.0.2.1:1"), address("192.0.2.2:2"));
    let header = ProxyHeader::new(address)
        .with_alpn(b"h2")
        .with_checksum()
        .with_authority("one.example");
    let bytes = header.to_v2().expect("a short header");
    assert_eq!(parse(&bytes).authority(), Some("one.example"));
    // Every bit matters; bytes that are no longer such a header are reported as that.
    let mut refused = 0;
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1 << bit;
            match ProxyHeader::parse(&bytes) {
                Err(HeaderError::Checksum) => refused += 1,
                Err(_) | Ok(None) => {}
                Ok(Some((header, _))) => assert!(
                    // Not checked: a header without addresses (LOCAL, or no family), and one whose
                    // checksum TLV has become another one.
                    header.is_local() || header.tlv(3).is_none() || bytes[13] >> 4 == 0,
                    "{place} {bit}"
                ),
            }
        }
    }
    assert!(refused > 8 * 25, "{refused}");
    for length in [0, 3, 5] {
        let header = v2(
            PROXY,
            0x11,
            &[&FOUR[..], &[3, 0, length], &vec![0; length.into()]].concat(),
        );
        assert_eq!(ProxyHeader::parse(&header), Err(HeaderError::Tlv));
    }
    // As computed by another implementation.
    let bytes = v2(
        PROXY,
        0x11,
        &[&FOUR[..], &[3, 0, 4, 0xde, 0xad, 0xbe, 0xef]].concat(),
    );
    assert_eq!(ProxyHeader::parse(&bytes), Err(HeaderError::Checksum));
}

#[test]
fn errors_are_reported() {
    let long = [&b"PROXY UNKNOWN "[..], &[b'x'; 92], b"\r\n"].concat();
    for (bytes, expected) in [
        (&b"GET / HTTP/1.1\r\n"[..], HeaderError::Missing),
        (b"G", HeaderError::Missing),
        (b"PROXX", HeaderError::Missing),
        (b"\r\n\r\n\0\r\nQUIX", HeaderError::Missing),
        (b"\r\n\r\nG", HeaderError::Missing),
        (&[22, 3, 1], HeaderError::Missing),
        (b"PROXY \r\n", HeaderError::Line),
        (b"PROXY UNKNOWNS\r\n", HeaderError::Line),
        (b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", HeaderError::Line),
        (b"PROXY TCP4 not an address\r\n", HeaderError::Line),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", HeaderError::Line),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            HeaderError::Line,
        ),
        (
            b"PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
            HeaderError::Line,
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
            HeaderError::Line,
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
            HeaderError::Line,
        ),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n", HeaderError::Line),
        (b"PROXY TCP4 ::1 ::2 1 2\r\n", HeaderError::Line),
        (b"PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", HeaderError::Line),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n", HeaderError::Line),
        (b"PROXY TCP4 \xff 192.0.2.2 1 2\r\n", HeaderError::Line),
        (&long[..107], HeaderError::Line),
        (&v2(0x11, 0, &[])[..13], HeaderError::Version(0x11)),
        (&v2(0x22, 0, &[])[..13], HeaderError::Command(0x22)),
        (&v2(PROXY, 0x41, &[0; 300]), HeaderError::Family(0x41)),
        (&v2(PROXY, 0x13, &FOUR), HeaderError::Family(0x13)),
        (&v2(PROXY, 0x11, &FOUR[..11]), HeaderError::Addresses),
        (&v2(PROXY, 0x21, &FOUR), HeaderError::Addresses),
        (&v2(PROXY, 0x31, &[0; 215]), HeaderError::Addresses),
        (
            &v2(PROXY, 0x11, &[&FOUR[..], &[1]].concat()),
            HeaderError::Tlv,
        ),
        (
            &v2(PROXY, 0x11, &[&FOUR[..], &[1, 0, 2, 0]].concat()),
            HeaderError::Tlv,
        ),
    ] {
        assert_eq!(ProxyHeader::parse(bytes), Err(expected), "{bytes:?}");
        assert!(expected.to_string().starts_with("no valid PROXY header: "));
    }
}

#[test]
fn encoded_headers_are_parsed_as_the_same() {
    let (four, six) = (address("192.0.2.1:1"), address("[2001:db8::1]:2"));
    for (source, destination) in [(four, four), (six, six)] {
        let header = ProxyHeader::new(ProxiedAddress::stream(source, destination));
        assert_eq!(parse(&header.to_v1()), header);
        assert_eq!(parse(&header.to_v2().expect("a short header")), header);
    }
    // A header names only one family.
    let header = ProxyHeader::new(ProxiedAddress::stream(four, six));
    let line = b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n";
    assert_eq!(header.to_v1(), line);
    assert_eq!(parse(line), parse(&header.to_v2().expect("a short header")));

    for header in [ProxyHeader::local(), ProxyHeader::unknown()] {
        assert_eq!(header.to_v1(), b"PROXY UNKNOWN\r\n");
        assert_eq!(parse(&header.to_v2().expect("a short header")), header);
    }
    let mut datagrams = ProxiedAddress::stream(four, four);
    datagrams.transport = Transport::Datagram;
    let header = ProxyHeader::new(datagrams);
    assert_eq!(header.to_v1(), b"PROXY UNKNOWN\r\n");
    assert_eq!(parse(&header.to_v2().expect("a short header")), header);

    let most = vec![7; 65_535 - 12 - 3];
    let header = ProxyHeader::new(ProxiedAddress::stream(four, four)).with_tlv(4, &most);
    assert_eq!(parse(&header.to_v2().expect("a short header")), header);
    let header = header.with_tlv(4, &[]);
    assert_eq!(header.to_v2(), Err(HeaderError::TooLong));
}

/// Samples of each kind.
fn samples() -> Vec<Vec<u8>> {
    let address = ProxiedAddress::stream(address("192.0.2.1:1"), address("192.0.2.2:2"));
    let header = ProxyHeader::new(address).with_alpn(b"h2").with_checksum();
    vec![
        header.to_v1(),
        header.to_v2().expect("a short header"),
        b"PROXY TCP6 :: :: 0 0\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN anything\r\r at all\r\n".to_vec(),
        v2(LOCAL, 0, &[]),
        v2(PROXY, 0x31, &[7; 216]),
        v2(
            PROXY,
            0x11,
            &[&FOUR[..], &[4, 0xff, 0], &[0; 0xff00]].concat(),
        ),
    ]
}

#[test]
fn nothing_is_read_after_a_header_however_it_arrives() {
    for header in samples() {
        for size in [1, 7, header.len()] {
            let (_near, far) = pipe(1 << 20);
            let io = far.control();
            io.inject(&header);
            io.inject(b"client");
            io.at_most(Operation::Read, size);
            io.script(Operation::Read, [Answer::Error(io::ErrorKind::Interrupted)]);
            let mut far = far;
            let read = executor::block_on(read_header(&mut far)).expect("a header");
            assert_eq!(read, parse(&header));
            assert_eq!(io.unread(), 6, "{size}");
        }
    }
}

#[test]
fn every_truncation_needs_more_and_an_end_is_reported() {
    for header in samples() {
        for length in (0..header.len()).take(400) {
            let part = &header[..length];
            assert_eq!(ProxyHeader::parse(part), Ok(None), "{part:?}");
            let error = executor::block_on(read_header(&mut &part[..])).expect_err("cut off");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            assert_eq!(inner, Some(&HeaderError::Truncated));
        }
    }
}

#[test]
fn every_byte_may_have_any_value() {
    for header in samples().into_iter().filter(|header| header.len() < 300) {
        for place in 0..header.len() {
            for byte in 0..=255 {
                let mut bytes = header.clone();
                bytes[place] = byte;
                let whole = ProxyHeader::parse(&bytes);
                if let Ok(Some((parsed, length))) = &whole {
                    assert!(*length <= bytes.len());
                    assert!(parsed.tlvs().map(|(_, value)| value.len()).sum::<usize>() < *length);
                    parsed.ssl();
                    let _ = parsed.to_v1();
                }
                // Reading from a transport has the same result.
                let mut rest = &bytes[..];
                let read = executor::block_on(read_header(&mut rest));
                match whole {
                    Ok(Some((parsed, length))) => {
                        assert_eq!(read.expect("a header"), parsed);
                        assert_eq!(rest.len(), bytes.len() - length);
                    }
                    Ok(None) => {
                        let kind = read.expect_err("cut off").kind();
                        assert_eq!(kind, io::ErrorKind::UnexpectedEof);
                    }
                    Err(expected) => {
                        let error = read.expect_err("no header");
                        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
                        assert_eq!(inner, Some(&expected));
                    }
                }
            }
        }
    }
}

/// Of each header 15 bytes are read, which is the length of the shortest one.
#[test]
fn a_line_shorter_than_every_header_is_an_error() {
    for line in ["PROXY \r\n", "PROXY TCP4\r\n", "PROXY UNKNOW\r\n"] {
        let bytes = format!("{line}GET / HTTP/1.1\r\n\r\n");
        assert_eq!(ProxyHeader::parse(bytes.as_bytes()), Err(HeaderError::Line));
        let error = executor::block_on(read_header(&mut bytes.as_bytes())).expect_err("no header");
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        assert_eq!(inner, Some(&HeaderError::Line), "{line:?}");
    }
}

#[test]
fn an_error_of_the_transport_is_returned_unchanged() {
    let (_near, mut far) = pipe(100);
    let reset = Answer::Error(io::ErrorKind::ConnectionReset);
    far.control().script(Operation::Read, [reset]);
    let error = executor::block_on(read_header(&mut far)).expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    let would_block = Answer::Error(io::ErrorKind::WouldBlock);
    far.control().script(Operation::Read, [would_block]);
    let error = executor::block_on(read_header(&mut far)).expect_err("no waker");
    let kind = pollback::Error::find(&error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::Unregistered));
    far.control().inject(b"PROXY UNKNOWN\r\nx");
    executor::block_on(async {
        assert_eq!(read_header(&mut far).await.unwrap(), ProxyHeader::unknown());
        assert_eq!(far.read_u8().await.unwrap(), b'x');
    });
}
