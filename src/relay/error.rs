//! Why a relay has ended before both streams had.

use std::error::Error;
use std::fmt;
use std::io;

use super::future::Moved;

/// Why a relay has ended before both streams had, and how much was moved by then.
#[derive(Debug)]
#[non_exhaustive]
pub struct RelayError {
    /// The first failure.
    pub cause: Cause,
    /// How many bytes were moved.
    pub moved: Moved,
}

/// The cause of the end of a relay before both streams have ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    /// The client's stream has failed: a read or a write.
    Client(io::Error),
    /// The backend's stream has failed.
    Backend(io::Error),
    /// No byte has moved for as long as the idle timeout.
    Idle,
    /// The time limit was reached.
    TimeLimit,
    /// The byte limit was reached, and there was more to copy.
    ByteLimit,
}

impl Cause {
    fn io_error(&self) -> Option<&io::Error> {
        match self {
            Self::Client(error) | Self::Backend(error) => Some(error),
            Self::Idle | Self::TimeLimit | Self::ByteLimit => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => write!(f, "the connection to the client failed: {error}"),
            Self::Backend(error) => write!(f, "the connection to the backend failed: {error}"),
            Self::Idle => f.write_str("the connection was idle for too long"),
            Self::TimeLimit => f.write_str("the connection reached its time limit"),
            Self::ByteLimit => f.write_str("the connection reached its byte limit"),
        }
    }
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for RelayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.io_error().map(|error| error as _)
    }
}

impl From<RelayError> for io::Error {
    /// The kind is that of the stream's error, `TimedOut` or `QuotaExceeded`.
    fn from(error: RelayError) -> Self {
        let kind = match &error.cause {
            Cause::Client(error) | Cause::Backend(error) => error.kind(),
            Cause::Idle | Cause::TimeLimit => io::ErrorKind::TimedOut,
            Cause::ByteLimit => io::ErrorKind::QuotaExceeded,
        };
        Self::new(kind, error)
    }
}
