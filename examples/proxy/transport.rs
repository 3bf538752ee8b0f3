//! What bytes are carried by, whichever way a route goes.

use pollback::hello::Rewind;
use pollback::{client, server};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// One side of the proxy: a TLS stream, or what is passed through.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {
    /// The socket underneath.
    fn tcp(&self) -> &TcpStream;

    /// Whether TLS is spoken to this side by the proxy itself.
    fn is_tls(&self) -> bool;

    /// Makes sure that the peer does not take what follows for an orderly end: to be dropped next.
    fn cut(&self) {
        // TLS without a close_notify is a cut. Without TLS it takes a reset.
        if !self.is_tls() {
            // It fails for a socket that is gone already.
            let _ = self.tcp().set_zero_linger();
        }
    }
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }

    fn is_tls(&self) -> bool {
        false
    }
}

impl Transport for Rewind<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref()
    }

    fn is_tls(&self) -> bool {
        false
    }
}

impl Transport for server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl Transport for client::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }

    fn is_tls(&self) -> bool {
        true
    }
}
