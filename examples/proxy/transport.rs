//! The transport of a route, with or without TLS.

use pollback::hello::Rewind;
use pollback::relay::Endpoint;
use pollback::{client, server};
use tokio::net::TcpStream;

/// One side of the proxy: a TLS stream, or a connection that is passed through.
pub(crate) trait Transport: Endpoint + Send {
    /// The socket underneath.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for Rewind<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref()
    }
}

impl Transport for server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Transport for client::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
