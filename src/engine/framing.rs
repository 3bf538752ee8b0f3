//! Finds where the records of a TLS stream end.

use super::LARGEST_RECORD;

/// The bytes before the body of a record: its type, version and length.
pub(super) const HEADER: usize = 5;

const APPLICATION_DATA: u8 = 23;

/// What a buffer begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// A complete record of this length, including the header.
    Whole(usize),
    /// A partial record, with its length if that is known.
    Partial(Option<usize>),
    /// Not a record.
    Invalid,
}

/// Examines `bytes`, which begin at a record boundary (RFC 8446, section 5.1).
#[inline]
pub(super) fn head(bytes: &[u8]) -> Head {
    // change_cipher_spec to heartbeat.
    let is_known = |content_type: &u8| (20..=24).contains(content_type);
    let is_foreign = bytes.get(1).is_some_and(|major| *major != 3);
    if is_foreign || !bytes.first().is_none_or(is_known) {
        return Head::Invalid;
    }
    let &[content_type, _, _, high, low, ..] = bytes else {
        return Head::Partial(None);
    };
    let length = HEADER + usize::from(u16::from_be_bytes([high, low]));
    let is_empty = length == HEADER && content_type != APPLICATION_DATA;
    if is_empty || length >= LARGEST_RECORD {
        Head::Invalid
    } else if length <= bytes.len() {
        Head::Whole(length)
    } else {
        Head::Partial(Some(length))
    }
}

/// The same for `bytes` that may begin in the middle of a record: rejects versions that are never
/// sent, so that fewer bytes are mistaken for a header.
pub(super) fn likely_head(bytes: &[u8]) -> Head {
    match bytes.get(2) {
        // TLS 1.0, in a ClientHello, to 1.2 (RFC 8446, section 5.1).
        None | Some(1..=3) => head(bytes),
        Some(_) => Head::Invalid,
    }
}

/// Whether the bytes begin with a record that carries encrypted data of TLS 1.3, or application
/// data of TLS 1.2.
pub(super) fn is_application_data(bytes: &[u8]) -> bool {
    bytes.first() == Some(&APPLICATION_DATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_complete_partial_or_invalid() {
        let mut record = vec![23, 3, 3, 0, 7];
        record.extend([9; 7]);
        for length in 0..5 {
            assert_eq!(head(&record[..length]), Head::Partial(None), "{length}");
        }
        for length in 5..12 {
            assert_eq!(head(&record[..length]), Head::Partial(Some(12)), "{length}");
        }
        assert_eq!(head(&record), Head::Whole(12));
        record.extend([1; 30]);
        assert_eq!(head(&record), Head::Whole(12));
    }

    #[test]
    fn only_application_data_may_be_empty_and_none_is_too_long() {
        assert_eq!(head(&[23, 3, 3, 0, 0]), Head::Whole(5));
        for other in [20, 21, 22, 24] {
            assert_eq!(head(&[other, 3, 3, 0, 0]), Head::Invalid);
        }
        let header = |length: usize| {
            let [high, low] = u16::try_from(length - HEADER)
                .expect("16 bits")
                .to_be_bytes();
            head(&[23, 3, 3, high, low])
        };
        let longest = LARGEST_RECORD - 1;
        assert_eq!(header(longest), Head::Partial(Some(longest)));
        assert_eq!(header(LARGEST_RECORD), Head::Invalid);
    }

    #[test]
    fn anything_but_a_record_is_recognized_at_once() {
        for header in [&b"E"[..], &[22, 4], b"GET"] {
            assert_eq!(head(header), Head::Invalid, "{header:?}");
        }
        for header in [
            *b"GET /",
            [19, 3, 3, 0, 7],
            [25, 3, 3, 0, 7],
            [22, 2, 3, 0, 7],
            [22, 3, 1, 0, 0],
            [23, 3, 3, 0xff, 0xff],
        ] {
            assert_eq!(head(&header), Head::Invalid, "{header:?}");
        }
    }
}
