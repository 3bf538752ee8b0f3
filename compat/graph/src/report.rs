//! The parts of the output.

use std::error::Error;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// The address with an explanation that rustls adds to a truncation; the text of pollback is the
/// same without it.
const EXPLAINED: &str =
    ": https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof";

/// The text of an error and of all its sources.
///
/// If a text contains the next one, only the first is printed: not all crates repeat their source.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = next.source();
    }
    text.replace(EXPLAINED, "")
}

/// Reports that something was refused, but not how: if a server closes the connection at once, it
/// is random whether its alert arrives before the reset.
pub(crate) fn refused<T, E>(outcome: Result<T, E>) -> Result<&'static str, String> {
    match outcome {
        Ok(_) => Err("this should have failed".to_owned()),
        Err(_) => Ok("refused"),
    }
}

/// Fails unless the response equals what was sent.
pub(crate) fn same(
    got: &(impl AsRef<[u8]> + ?Sized),
    sent: &impl AsRef<[u8]>,
) -> Result<(), String> {
    let (got, sent) = (got.as_ref(), sent.as_ref());
    match got == sent {
        true => Ok(()),
        false => Err(format!(
            "{} was received instead of {}",
            digest(got),
            digest(sent)
        )),
    }
}

/// The beginning of the SHA-256 digest of `bytes`, and their number.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let start: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{} bytes, {start}", bytes.len())
}

/// `length` bytes, the same in every run.
pub(crate) fn payload(length: usize) -> Vec<u8> {
    /// Not a multiple of a record, so that records differ.
    static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let words = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        words.take(8191).flatten().collect()
    });
    let mut bytes = PATTERN.repeat(length / PATTERN.len() + 1);
    bytes.truncate(length);
    bytes
}

/// `length` printable characters, the same in every run.
pub(crate) fn text(length: usize) -> String {
    payload(length)
        .into_iter()
        .map(|byte| char::from(b'a' + byte % 26))
        .collect()
}
