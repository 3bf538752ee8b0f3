//! The listener as a source of connections for tonic.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tonic::transport::server::Connected;

use super::{Accepted, Connection, Handshaker, Listener, Peer, TlsListener};

/// For tonic: handlers receive the [`Peer`] in the extensions of their requests.
impl<S, P, F> Connected for Connection<S, P, F>
where
    P: Clone + Send + Sync + 'static,
    F: Clone + Send + Sync + 'static,
{
    type ConnectInfo = Peer<P, F>;

    fn connect_info(&self) -> Peer<P, F> {
        self.peer().clone()
    }
}

impl<L: Listener, H: Handshaker<L::Io>> TlsListener<L, H> {
    /// Returns a stream of connections for `serve_with_incoming` of tonic, which requires a
    /// result for each. It never yields an error: failures go to [`on_failure`](Self::on_failure).
    pub fn into_incoming(self) -> TlsIncoming<L, H> {
        TlsIncoming(self)
    }
}

/// The connections of a listener, each as a result. Returned by [`TlsListener::into_incoming`].
pub struct TlsIncoming<L: Listener, H: Handshaker<L::Io>>(TlsListener<L, H>);

impl<L: Listener, H: Handshaker<L::Io>> Stream for TlsIncoming<L, H> {
    type Item = Result<Accepted<L, H>, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let connection = Pin::new(&mut self.get_mut().0).poll_next(cx);
        connection.map(|connection| connection.map(Ok))
    }
}

impl<L: Listener, H: Handshaker<L::Io>> fmt::Debug for TlsIncoming<L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsIncoming").field(&self.0).finish()
    }
}
