//! The halves with which the guarantee for two tasks is tested: here owned ones.

use pollback_testkit::pipe::End;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::TlsStream;

pub(crate) type ReadHalf = Box<dyn AsyncRead + Unpin>;
pub(crate) type WriteHalf = Box<dyn AsyncWrite + Unpin>;

pub(crate) fn split(stream: TlsStream<End>) -> (ReadHalf, WriteHalf) {
    match stream {
        TlsStream::Client(stream) => {
            let halves = stream.into_split_with(tokio::io::split);
            let (reader, writer) = halves.expect("a complete handshake");
            (Box::new(reader), Box::new(writer))
        }
        TlsStream::Server(stream) => {
            let halves = stream.into_split_with(tokio::io::split);
            let (reader, writer) = halves.expect("a complete handshake");
            (Box::new(reader), Box::new(writer))
        }
    }
}
