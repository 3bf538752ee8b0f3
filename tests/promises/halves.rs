//! The halves that the promise for two tasks is proved with: here those of tokio, of any stream.

use pollback_testkit::pipe::End;

use crate::engine::TlsStream;

pub(crate) use tokio::io::split;

pub(crate) type ReadHalf = tokio::io::ReadHalf<TlsStream<End>>;
pub(crate) type WriteHalf = tokio::io::WriteHalf<TlsStream<End>>;
