//! A function that decides what to do with each client.

use std::future::Future;
use std::io;
use std::sync::Arc;

use super::handshaker::HandshakeResult;
use crate::hello::Incoming;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyHeader;
use crate::stream::Leftover;

/// The function of a `HandshakeFn` or a `TlsOrPlain`, and what it is to know.
pub(super) struct Choice<F> {
    function: Arc<F>,
    #[cfg(feature = "proxy-protocol")]
    proxy_header: Option<Arc<ProxyHeader>>,
}

impl<F> Choice<F> {
    pub(super) fn new(function: F) -> Self {
        Self {
            function: Arc::new(function),
            #[cfg(feature = "proxy-protocol")]
            proxy_header: None,
        }
    }

    #[cfg(feature = "proxy-protocol")]
    pub(super) fn with_proxy_header(mut self, header: Arc<ProxyHeader>) -> Self {
        self.proxy_header = Some(header);
        self
    }

    /// Makes the header known to `incoming`, which stores its transport in `leftover` if it refuses
    /// the client.
    pub(super) fn prepare<IO>(
        &self,
        incoming: Incoming<IO>,
        leftover: &Leftover<IO>,
    ) -> Incoming<IO> {
        let incoming = incoming.leave_in(leftover.clone());
        #[cfg(feature = "proxy-protocol")]
        let incoming = incoming.introduced_by(self.proxy_header.clone());
        incoming
    }

    /// Calls the function.
    pub(super) async fn call<IO, A, O, S, T>(
        &self,
        argument: A,
        leftover: Leftover<IO>,
    ) -> HandshakeResult<S, T, IO>
    where
        F: Fn(A) -> O,
        O: Future<Output = io::Result<(S, T)>>,
    {
        // Boxed, so that clients without a ClientHello do not cost this memory.
        let handshake = Box::pin((self.function)(argument));
        handshake.await.map_err(|error| (error, leftover.take()))
    }
}

impl<F> Clone for Choice<F> {
    fn clone(&self) -> Self {
        Self {
            function: Arc::clone(&self.function),
            #[cfg(feature = "proxy-protocol")]
            proxy_header: self.proxy_header.clone(),
        }
    }
}
