//! The halves with which the guarantee for two tasks is tested: here those of tokio.

use pollback_testkit::pipe::End;

use crate::engine::TlsStream;

pub(crate) use tokio::io::split;

pub(crate) type ReadHalf = tokio::io::ReadHalf<TlsStream<End>>;
pub(crate) type WriteHalf = tokio::io::WriteHalf<TlsStream<End>>;
