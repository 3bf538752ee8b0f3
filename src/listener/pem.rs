//! The sections of a PEM file, with the lines where they begin.
//!
//! The parser of `rustls-pki-types` skips what it does not recognize: a certificate whose marker
//! shares a line with the one before is missing from what it returns. Here a marker is found
//! anywhere in a line, and text that looks like a damaged one is an error. The base64 text itself
//! is decoded by `rustls-pki-types`.

use std::error::Error as StdError;
use std::fmt;

use rustls::pki_types::pem::{PemObject, SectionKind};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A section: the text between a BEGIN and an END marker.
pub(super) struct Section {
    pub(super) label: String,
    /// The line of the BEGIN marker, counted from 1.
    pub(super) line: usize,
    /// Whether its headers (RFC 1421) say that it is encrypted.
    pub(super) encrypted: bool,
    base64: String,
}

/// What is wrong with the contents of a PEM file.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) line: usize,
    what: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Flaw {
    pub(super) fn new(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            what: what.into(),
            cause: None,
        }
    }

    /// The `item` that begins in this line was rejected with an error.
    pub(super) fn rejected(
        line: usize,
        item: &str,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let cause = cause.into();
        let flaw = Self::new(line, format!("{item}: {cause}"));
        Self {
            cause: Some(cause),
            ..flaw
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl StdError for Flaw {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let cause = self.cause.as_deref()?;
        Some(cause)
    }
}

impl Section {
    /// Decodes the section as one with this label.
    pub(super) fn decode(&self, label: &str) -> Result<Vec<u8>, Flaw> {
        let flaw = |what: &str| Flaw::new(self.line, format!("{}: {what}", self.label));
        // Not all decoders accept this.
        if self.base64.len() % 4 != 0 {
            return Err(flaw("incomplete base64 text"));
        }
        let text = format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            self.base64
        );
        let (_, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(text.as_bytes())
            .map_err(|error| flaw(&error.to_string()))?;
        match sequence(&der) {
            Some(_) => Ok(der),
            None => Err(flaw("not a complete DER structure")),
        }
    }
}

/// Returns the contents if these bytes are one complete DER SEQUENCE with nothing after it.
pub(super) fn sequence(der: &[u8]) -> Option<&[u8]> {
    let (length, body) = match der {
        [0x30, length @ 0..=0x7f, body @ ..] => (usize::from(*length), body),
        [0x30, form @ 0x81..=0x84, rest @ ..] => {
            let (length, body) = rest.split_at_checked(usize::from(form - 0x80))?;
            let add = |all, byte: &u8| all << 8 | usize::from(*byte);
            (length.iter().fold(0, add), body)
        }
        _ => return None,
    };
    (length == body.len()).then_some(body)
}

/// Splits the contents of a file into its sections. Text between them is ignored, unless it looks
/// like a marker.
pub(super) fn sections(text: &[u8]) -> Result<Vec<Section>, Flaw> {
    if text.contains(&0) {
        let what = "not PEM: the file is binary or in UTF-16";
        return Err(Flaw::new(1, what));
    }
    let mut rest = Rest { text, line: 1 };
    let mut sections = Vec::new();
    while let Some(before) = rest.take_until(BEGIN) {
        check_between(&before)?;
        sections.push(section(&mut rest)?);
    }
    check_between(&rest)?;
    Ok(sections)
}

/// Takes one section from `rest`, which begins after the start of its BEGIN marker.
fn section(rest: &mut Rest<'_>) -> Result<Section, Flaw> {
    let line = rest.line;
    let label = rest.take_label();
    let label = label.ok_or_else(|| Flaw::new(line, "a BEGIN marker that is not complete"))?;
    let flaw = |what: String| Flaw::new(line, format!("{label}: {what}"));
    let body = rest
        .take_until(END)
        .filter(|body| find(body.text, BEGIN).is_none())
        .ok_or_else(|| flaw("no END marker: the file may be truncated".to_owned()))?;
    match rest.take_label() {
        Some(end) if end == label => {}
        Some(end) => return Err(flaw(format!("ends as {end}"))),
        None => return Err(flaw("an incomplete END marker".to_owned())),
    }
    let (encrypted, base64) = contents(&String::from_utf8_lossy(body.text));
    Ok(Section {
        label,
        line,
        encrypted,
        base64,
    })
}

/// Separates the headers of a section from its base64 text. Returns whether the headers say that it
/// is encrypted, and the text without blanks.
fn contents(body: &str) -> (bool, String) {
    let lines = body.split(['\n', '\r']).map(trim);
    let mut lines = lines.skip_while(|line| line.is_empty()).peekable();
    let mut encrypted = false;
    if lines.peek().is_some_and(|line| line.contains(':')) {
        for header in lines.by_ref().take_while(|line| !line.is_empty()) {
            encrypted |= header.contains("ENCRYPTED");
        }
    }
    let base64 = lines.flat_map(str::split_whitespace).collect();
    (encrypted, base64)
}

/// Fails if the text between two sections contains something that was meant as a marker.
fn check_between(between: &Rest<'_>) -> Result<(), Flaw> {
    let mut rest = Rest { ..*between };
    loop {
        let line = rest.line;
        let text = rest.take_line();
        let text = String::from_utf8_lossy(text);
        let text = trim(&text);
        // Typesetting programs replace hyphens by other dashes.
        let word = text.trim_start_matches(|c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}'));
        if word.len() < text.len() {
            let word = word.trim_start().to_ascii_uppercase();
            if word.starts_with("BEGIN") || word.starts_with("END") {
                return Err(Flaw::new(line, "a damaged marker"));
            }
        }
        if rest.text.is_empty() {
            return Ok(());
        }
    }
}

fn trim(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|found| found == wanted)
}

/// The unread rest of a file, and the line in which it begins.
struct Rest<'a> {
    text: &'a [u8],
    line: usize,
}

impl<'a> Rest<'a> {
    /// Takes everything up to and including the next `marker`. Takes nothing if there is none.
    fn take_until(&mut self, marker: &[u8]) -> Option<Self> {
        let at = find(self.text, marker)?;
        let line = self.line;
        let taken = self.take(at);
        self.take(marker.len());
        Some(Self { text: taken, line })
    }

    /// Takes the label of a marker and the dashes after it.
    fn take_label(&mut self) -> Option<String> {
        let line = self
            .text
            .split(|byte| matches!(byte, b'\n' | b'\r'))
            .next()?;
        let label = std::str::from_utf8(&line[..find(line, DASHES)?]).ok()?;
        self.take(label.len() + DASHES.len());
        (!label.trim().is_empty()).then(|| label.trim().to_owned())
    }

    /// Takes a line, and its end.
    fn take_line(&mut self) -> &'a [u8] {
        let end = self
            .text
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'));
        let line = self.take(end.unwrap_or(self.text.len()));
        let end = match self.text {
            [b'\r', b'\n', ..] => 2,
            [_, ..] => 1,
            [] => 0,
        };
        self.take(end);
        line
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.text.split_at(length);
        let ends = taken.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => self.text.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        self.line += ends.count();
        self.text = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The label and the line of each section, or the flaw.
    fn read(text: &str) -> Result<Vec<(String, usize)>, String> {
        let sections = sections(text.as_bytes()).map_err(|flaw| flaw.to_string())?;
        Ok(sections
            .into_iter()
            .map(|one| (one.label, one.line))
            .collect())
    }

    fn found(sections: &[(&str, usize)]) -> Result<Vec<(String, usize)>, String> {
        Ok(sections
            .iter()
            .map(|(label, line)| ((*label).to_owned(), *line))
            .collect())
    }

    const A: &str = "-----BEGIN A-----\nMAA=\n-----END A-----";

    #[test]
    fn a_marker_is_found_anywhere() {
        for (text, lines) in [
            (format!("{A}\n{A}\n"), [1, 4]),
            (format!("{A}{A}"), [1, 3]),
            (format!("  {A}\n\t{A}"), [1, 4]),
            (format!("\u{feff}{A}\n\u{feff}{A}"), [1, 4]),
            (format!("text {A} more text\n{A}  "), [1, 4]),
            (format!("{A}\n\n{A}").replace('\n', "\r\n"), [1, 5]),
            (format!("{A}\n\n{A}").replace('\n', "\r"), [1, 5]),
            (format!("{A} {A}").replace('\n', ""), [1, 1]),
        ] {
            let expected = found(&[("A", lines[0]), ("A", lines[1])]);
            assert_eq!(read(&text), expected, "{text:?}");
            for section in sections(text.as_bytes()).unwrap() {
                assert_eq!(section.decode("CERTIFICATE").unwrap(), [0x30, 0]);
            }
        }
    }

    #[test]
    fn text_between_sections_is_ignored() {
        let text = format!("Bag Attributes\n  --x: BEGIN\n{A}\nsubject=/CN=END\n-- \nthe end\n");
        assert_eq!(read(&text), found(&[("A", 3)]));
        assert_eq!(read(""), found(&[]));
        assert_eq!(read("# nothing here\n"), found(&[]));
    }

    #[test]
    fn a_possible_marker_is_an_error() {
        for (text, line) in [
            ("\n----BEGIN A-----\nMAA=\n", 2),
            ("-----begin A-----\nMAA=\n", 1),
            ("\n\n\u{2013}\u{2013}BEGIN A\u{2013}\u{2013}\n", 3),
            ("--- BEGIN A ---\n", 1),
            ("-----BEGINA-----\n", 1),
            ("-----BEGIN A----\nMAA=\n-----END A-----\n", 1),
            ("-----BEGIN -----\nMAA=\n-----END -----\n", 1),
            ("MAA=\n-----END A-----\n", 2),
            ("\n-----BEGIN A-----\nMAA=\n", 2),
            ("\n-----BEGIN A-----\nMAA=\n-----END A----\n", 2),
            ("-----BEGIN A-----\nMAA=\n-----END B-----\n", 1),
            (
                "-----BEGIN A-----\nMAA=\n-----BEGIN A-----\nMAA=\n-----END A-----\n",
                1,
            ),
            ("-\0-", 1),
        ] {
            let flaw = read(text).expect_err(text);
            assert!(
                flaw.starts_with(&format!("line {line}: ")),
                "{text:?}: {flaw}"
            );
            // The same after a valid section.
            let flaw = read(&format!("{A}\n{text}")).expect_err(text);
            let line = if text.contains('\0') { 1 } else { line + 3 };
            assert!(
                flaw.starts_with(&format!("line {line}: ")),
                "{text:?}: {flaw}"
            );
        }
    }

    #[test]
    fn headers_are_not_contents() {
        let text =
            "-----BEGIN K-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\nMAA=\n-----END K-----";
        let section = &sections(text.as_bytes()).unwrap()[0];
        assert!(section.encrypted);
        assert_eq!(section.decode("PRIVATE KEY").unwrap(), [0x30, 0]);
        assert!(!sections(A.as_bytes()).unwrap()[0].encrypted);
    }

    #[test]
    fn incomplete_contents_are_an_error() {
        for base64 in [
            "", "M", "MAA", "MAA=x", "> MAA=", "MAA=\\n", "AAAA", "MAAA", "MAE=", "MIA=",
        ] {
            let text = format!("-----BEGIN A-----\n{base64}\n-----END A-----");
            let section = &sections(text.as_bytes()).unwrap()[0];
            let flaw = section.decode("CERTIFICATE").expect_err(base64);
            assert!(flaw.to_string().starts_with("line 1: A: "), "{flaw}");
        }
        for (der, whole) in [
            (&[0x30, 0x81, 1, 5][..], true),
            (&[0x30, 0x82, 0, 1, 5], true),
            (&[0x30, 0x82, 0, 2, 5], false),
            (&[0x30, 0x85, 0, 0, 0, 0, 1, 5], false),
            (&[0x30, 0x82, 0], false),
            (&[0x30], false),
        ] {
            assert_eq!(sequence(der).is_some(), whole, "{der:?}");
        }
    }
}
