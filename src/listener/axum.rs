//! axum's view of a listener.

use std::future::pending;
use std::io;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Accepted, Handshaker, Incoming, Peer, TlsListener};

/// For `axum::serve`. When the listener has ended, `accept` waits for ever: stop axum as well, with
/// its graceful shutdown.
impl<I, H> Listener for TlsListener<I, H>
where
    I: Incoming + Send + 'static,
    I::Peer: Clone,
    H: Handshaker<I::Io>,
    H::Stream: AsyncRead + AsyncWrite + Unpin,
{
    type Io = Accepted<I, H>;
    type Addr = I::Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accept().await {
            Some(connection) => {
                let address = connection.peer().address.clone();
                (connection, address)
            }
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<I::Peer> {
        self.local_addr()
    }
}

/// For `Router::into_make_service_with_connect_info`: a handler takes `ConnectInfo<Peer<…>>`.
impl<I, H> Connected<IncomingStream<'_, TlsListener<I, H>>> for Peer<I::Peer, H::Facts>
where
    I: Incoming + Send + 'static,
    I::Peer: Clone + Sync,
    H: Handshaker<I::Io>,
    H::Stream: AsyncRead + AsyncWrite + Unpin,
    H::Facts: Clone + Sync,
{
    fn connect_info(stream: IncomingStream<'_, TlsListener<I, H>>) -> Self {
        stream.io().peer().clone()
    }
}
