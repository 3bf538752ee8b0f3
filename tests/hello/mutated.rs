//! Corrupted bytes.

use crate::bytes::parse_in_parts;
use pollback::hello::ClientHello;
use pollback_testkit::hellos::{modern, of_length, old, records};

/// Calls every query of a hello.
fn ask(hello: &ClientHello) -> usize {
    let alpn = hello.alpn().map_or(0, Iterator::count);
    let bodies: usize = hello.extensions().map(|(_, body)| body.len()).sum();
    assert!(bodies <= hello.message().len());
    assert!(hello.message().len() <= hello.records().len());
    assert_eq!(hello.random().len(), 32);
    let name = hello.server_name().map(str::to_ascii_lowercase);
    let bytes = hello.server_name_bytes();
    assert_eq!(
        name.as_ref().map(String::as_bytes),
        bytes
            .filter(|bytes| std::str::from_utf8(bytes).is_ok())
            .map(<[u8]>::to_ascii_lowercase)
            .as_deref()
    );
    alpn + bodies
        + hello.versions().count()
        + hello.cipher_suites().count()
        + hello.named_groups().count()
        + hello.signature_schemes().count()
        + hello.session_id().len()
        + hello.compression_methods().len()
        + format!("{hello:?}").len()
}

/// Parses the bytes as a whole and in parts, and requires the same result.
fn look(bytes: &[u8], steps: &[usize]) -> bool {
    let whole = ClientHello::parse(bytes).map_err(|error| error.kind());
    for step in steps {
        let parts = parse_in_parts(bytes, *step).map_err(|error| error.kind());
        match (&whole, &parts) {
            (Ok(Some(whole)), Ok(Some(parts))) => {
                assert!(whole.records() == parts.records());
                assert_eq!(ask(whole), ask(parts));
            }
            (Ok(None), Ok(None)) => {}
            (Err(whole), Err(parts)) => assert_eq!(whole, parts),
            other => panic!("{other:?}: {bytes:?}"),
        }
    }
    if let Ok(Some(hello)) = &whole {
        ask(hello);
        assert!(bytes.starts_with(hello.records()));
    }
    matches!(whole, Ok(Some(_)))
}

fn wires() -> Vec<Vec<u8>> {
    [
        records(&old(0x0301, b"old.example"), 16_384),
        records(&old(0x0303, b"old.example"), 9),
        records(&modern(b"a.example"), 16_384),
        records(&modern(b"a.example"), 1000),
    ]
    .into()
}

#[test]
fn every_truncation_needs_more_bytes() {
    for wire in wires() {
        for length in 0..wire.len() {
            let hello = ClientHello::parse(&wire[..length]);
            assert!(hello.expect("the beginning of a hello").is_none());
            assert!(!look(&wire[..length], &[1]));
        }
        assert!(look(&wire, &[1, 3]));
    }
}

#[test]
fn every_byte_may_have_any_value() {
    for (wire, step) in wires()[..2].iter().zip([1, 5]) {
        for place in 0..wire.len() {
            let mut wire = wire.clone();
            for byte in (0..=255).step_by(step) {
                wire[place] = byte;
                look(&wire, &[16]);
            }
        }
    }
    for wire in &wires()[2..] {
        for place in 0..wire.len() {
            let mut wire = wire.clone();
            for byte in [0, 1, 0xff] {
                wire[place] = byte;
                look(&wire, &[]);
            }
        }
    }
}

#[test]
fn random_changes_do_no_harm() {
    // Xorshift (Marsaglia 2003), from a fixed seed.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as usize % bound
    };
    let mut wires = wires();
    wires.push(records(&of_length(20_000), 16_384));
    let mut found = 0;
    for _ in 0..20_000 {
        let mut wire = match below(8) {
            // Random bytes that begin like the record of a hello.
            0 => [&[22, 3, 1, 0, 200, 1, 0, 0, 196][..], &[0; 196]].concat(),
            choice => wires[choice % wires.len()].clone(),
        };
        for _ in 0..below(6) {
            let place = below(wire.len());
            match below(4) {
                0 => wire.truncate(place + 1),
                1 => wire.insert(place, below(256) as u8),
                2 => drop(wire.remove(place)),
                _ => wire[place] = below(256) as u8,
            }
            if wire.is_empty() {
                break;
            }
        }
        found += usize::from(look(&wire, &[below(300) + 1]));
    }
    assert!(found > 1000, "most changes leave it a hello: {found}");
}
