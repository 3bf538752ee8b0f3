//! Owned halves of a stream.

use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use rustls_next::{ConnectionOutputs, Error, KeyingMaterialExporter};

use crate::engine::next::Connection;
use crate::engine::next_sides::Sided;
use crate::stream;

/// The reading half of a stream, with the reading half `R` of its transport.
///
/// See [`stream::ReadHalf`].
pub type ReadHalf<R, W, S> = stream::ReadHalf<R, W, Connection<S>>;

/// The writing half of a stream, with the writing half `W` of its transport.
///
/// See [`stream::WriteHalf`].
pub type WriteHalf<W, S> = stream::WriteHalf<W, Connection<S>>;

impl<S: Sided> stream::TlsStream<TcpStream, Connection<S>> {
    /// Splits the stream into halves for two tasks or threads.
    ///
    /// # Errors
    ///
    /// As for [`into_split_with`](Self::into_split_with), which accepts any transport that can be
    /// split.
    #[expect(clippy::result_large_err, reason = "the stream is returned")]
    pub fn into_split(
        self,
    ) -> Result<stream::Halves<OwnedReadHalf, OwnedWriteHalf, Connection<S>>, Self> {
        self.into_split_with(TcpStream::into_split)
    }
}

impl<R, W, S: Sided> ReadHalf<R, W, S> {
    /// Returns the negotiated parameters, which both sides know.
    pub fn outputs(&self) -> &ConnectionOutputs {
        self.connection_ref().outputs()
    }

    /// Returns what only this side knows about the connection.
    pub fn side(&self) -> &S {
        self.connection_ref().side()
    }

    /// Like [`Connection::exporter`].
    ///
    /// # Errors
    ///
    /// As for that method.
    pub fn exporter(&mut self) -> Result<KeyingMaterialExporter, Error> {
        self.connection().exporter()
    }
}

impl<W, S: Sided> WriteHalf<W, S> {
    /// Like [`Connection::refresh_traffic_keys`].
    ///
    /// # Errors
    ///
    /// As for that method.
    pub fn refresh_traffic_keys(&mut self) -> Result<(), Error> {
        self.with_connection(|sender| sender.refresh_traffic_keys())
    }
}
