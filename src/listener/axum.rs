//! The listener as a listener of axum.

use std::future::pending;
use std::io;

use axum::extract::connect_info::Connected;
use axum::serve::{self, IncomingStream};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Accepted, Handshaker, Listener, Peer, TlsListener};

/// For `axum::serve`. Once the listener has stopped, `accept` never resolves: shut axum down
/// gracefully as well.
impl<L, H> serve::Listener for TlsListener<L, H>
where
    L: Listener + Send + 'static,
    L::Peer: Clone,
    H: Handshaker<L::Io>,
    H::Stream: AsyncRead + AsyncWrite + Unpin,
{
    type Io = Accepted<L, H>;
    type Addr = L::Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accept().await {
            Some(connection) => {
                let address = connection.peer().address.clone();
                (connection, address)
            }
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<L::Peer> {
        self.local_addr()
    }
}

/// For `Router::into_make_service_with_connect_info`: a handler takes `ConnectInfo<Peer<…>>`.
impl<L, H> Connected<IncomingStream<'_, TlsListener<L, H>>> for Peer<L::Peer, H::HandshakeData>
where
    L: Listener + Send + 'static,
    L::Peer: Clone + Sync,
    H: Handshaker<L::Io>,
    H::Stream: AsyncRead + AsyncWrite + Unpin,
    H::HandshakeData: Clone + Sync,
{
    fn connect_info(stream: IncomingStream<'_, TlsListener<L, H>>) -> Self {
        stream.io().peer().clone()
    }
}
