//! Just enough of a parser for what rustls does not tell of a ClientHello.
//!
//! rustls has accepted the message by then. Should it accept what is malformed for us, then the
//! rest of the list in question is missing; nothing here can fail or panic.

/// The extensions of a ClientHello, each with its type and its body.
#[derive(Clone, Debug, Default)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(extensions(message).unwrap_or_default())
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = self.0.split_first_chunk()?;
        let (body, rest) = prefixed(rest, 2)?;
        self.0 = rest;
        Some((u16::from_be_bytes(*kind), body))
    }
}

/// RFC 8446, section 4.1.2.
fn extensions(message: &[u8]) -> Option<&[u8]> {
    const HEADER: usize = 4;
    const VERSION_AND_RANDOM: usize = 2 + 32;
    let rest = message.get(HEADER + VERSION_AND_RANDOM..)?;
    let (_session, rest) = prefixed(rest, 1)?;
    let (_cipher_suites, rest) = prefixed(rest, 2)?;
    let (_compression, rest) = prefixed(rest, 1)?;
    let (extensions, _) = prefixed(rest, 2)?;
    Some(extensions)
}

/// What a length of so many bytes stands before, and what follows that.
pub(super) fn prefixed(bytes: &[u8], width: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(width)?;
    let length = length
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    rest.split_at_checked(length)
}

/// The numbers of two bytes that a list is made of.
pub(super) fn list(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// The handshake message that the records carry.
pub(super) fn message(mut records: &[u8]) -> Vec<u8> {
    const TYPE_AND_VERSION: usize = 3;
    let mut message = Vec::with_capacity(records.len());
    while let Some((body, rest)) = records
        .get(TYPE_AND_VERSION..)
        .and_then(|record| prefixed(record, 2))
    {
        message.extend_from_slice(body);
        records = rest;
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello with a session of one byte, two cipher suites and three extensions.
    fn hello() -> Vec<u8> {
        let mut hello = vec![1, 0, 0, 61, 3, 3];
        hello.extend([7; 32]);
        hello.extend([1, 9, 0, 4, 0x13, 1, 0x13, 2, 1, 0]);
        hello.extend([0, 15, 0x0a, 0x0a, 0, 0, 0, 43, 0, 3, 2, 3, 4, 0, 23, 0, 0]);
        assert_eq!(hello.len(), 4 + 61);
        hello
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        message
            .chunks(size)
            .flat_map(|part| {
                let header = [22, 3, 1, 0, part.len() as u8];
                header.into_iter().chain(part.iter().copied())
            })
            .collect()
    }

    #[test]
    fn extensions_come_in_order_with_their_bodies() {
        let hello = hello();
        let found: Vec<_> = Extensions::of(&hello).collect();
        assert_eq!(
            found,
            [(0x0a0a, &[][..]), (43, &[2, 3, 4][..]), (23, &[][..])]
        );
    }

    #[test]
    fn a_hello_without_extensions_has_none() {
        let hello = hello();
        assert_eq!(Extensions::of(&hello[..hello.len() - 17]).count(), 0);
    }

    #[test]
    fn what_is_cut_off_is_missing_and_nothing_panics() {
        let hello = hello();
        for length in 0..hello.len() {
            assert_eq!(Extensions::of(&hello[..length]).count(), 0, "{length}");
        }
        let mut within = Extensions(&[0, 1, 0, 1, 5, 0, 2, 0, 9, 1]);
        assert_eq!(within.next(), Some((1, &[5][..])));
        assert_eq!(within.next(), None);
        assert_eq!(within.next(), None);
    }

    #[test]
    fn bytes_that_mean_nothing_do_no_harm() {
        // Every byte in every place, which reaches every length field.
        let hello = hello();
        for place in 0..hello.len() {
            for byte in 0..=255 {
                let mut hello = hello.clone();
                hello[place] = byte;
                assert!(Extensions::of(&hello).count() <= 4);
            }
        }
    }

    #[test]
    fn a_message_is_joined_from_its_records() {
        let hello = hello();
        for size in 1..=hello.len() {
            assert_eq!(message(&records(&hello, size)), hello, "{size}");
        }
        assert!(message(&[22, 3, 1, 0]).is_empty());
        assert!(message(&[22, 3, 1, 0, 2, 1]).is_empty());
    }

    #[test]
    fn an_odd_byte_is_no_number() {
        assert_eq!(list(&[1, 2, 3]).collect::<Vec<_>>(), [0x102]);
    }
}
