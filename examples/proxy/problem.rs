//! Errors in a configuration, with their location.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::path::Path;

/// An error, and the byte range of the file that it refers to.
#[derive(Debug)]
pub(crate) struct Problem {
    span: Range<usize>,
    message: String,
}

impl Problem {
    pub(crate) fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }

    /// Adds the file, the line and the column, and shows the line from `text`.
    pub(crate) fn in_file(self, path: &Path, text: &str) -> Located {
        let before = &text[..self.span.start];
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let line = text[begin..].lines().next().unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        let column = before[begin..].chars().count() + 1;
        Located(format!(
            "{}:{number}:{column}: {}\n{number} | {line}",
            path.display(),
            self.message
        ))
    }
}

impl From<toml::de::Error> for Problem {
    fn from(error: toml::de::Error) -> Self {
        Self::at(error.span().unwrap_or_default(), error.message())
    }
}

/// An error with its location, as displayed.
#[derive(Debug)]
pub(crate) struct Located(String);

impl Located {
    pub(crate) fn new(message: String) -> Self {
        Self(message)
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Located {}
