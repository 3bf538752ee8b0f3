//! Ends TLS and keeps the transport.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::TlsStream;
use super::state::{Given, Outbound};
use crate::engine::Engine;
use crate::error::ErrorKind;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Ends TLS in both directions and leaves the transport open: sends close_notify, and waits for
    /// the peer's.
    ///
    /// What follows is plaintext: [`into_transport`](Self::into_transport) returns the transport;
    /// [`into_parts`](Self::into_parts) also returns what the peer has already sent after its
    /// close_notify. This is for protocols that return to plaintext, such as FTP (CCC), and for
    /// tunnels that end before their transport. Later writes fail, as after a shutdown.
    ///
    /// There is no timeout: wrap it in `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnreadData`] if plaintext has arrived that was not read: read it, and call this
    /// again. Otherwise as for writes and reads; the end of the transport without the peer's
    /// close_notify is an error.
    ///
    /// # Cancel safety
    ///
    /// This function is cancel safe: it can be dropped and called again, and nothing is lost.
    ///
    /// ```no_run
    /// use pollback::server::TlsStream;
    /// use std::io;
    /// use std::time::Duration;
    /// use tokio::net::TcpStream;
    /// use tokio::time::timeout;
    ///
    /// /// To be called once the response to CCC, which is still encrypted, was written.
    /// async fn clear(mut stream: TlsStream<TcpStream>) -> io::Result<TcpStream> {
    ///     timeout(Duration::from_secs(10), stream.end_tls()).await??;
    ///     stream.into_transport().map_err(|(error, _)| error)
    /// }
    /// ```
    pub async fn end_tls(&mut self) -> io::Result<()> {
        let (mut sent, mut ended) = (false, false);
        poll_fn(|cx| {
            // Both at the same time: the peer may not read until its own bytes are read.
            sent = sent || self.poll_send_close_notify(cx)?.is_ready();
            ended = ended || self.poll_peer_end(cx)?.is_ready();
            match sent && ended {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Ready once the peer has sent close_notify, and fails on plaintext before it.
    fn poll_peer_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_fill_buf(cx).map(|lent| match lent? {
            [] => Ok(()),
            _ => Err(ErrorKind::UnreadData.into()),
        })
    }

    /// Returns the transport after the end of TLS.
    ///
    /// # Errors
    ///
    /// With the unchanged stream:
    ///
    /// - [`ErrorKind::TrailingData`] if bytes have arrived after the peer's close_notify. Unless the
    ///   protocol expects them, they may come from an attacker, since they are not protected.
    ///   [`into_parts`](Self::into_parts) returns them.
    /// - [`ErrorKind::NotEnded`] if TLS has not ended in both directions:
    ///   [`end_tls`](Self::end_tls) was not called, or has not returned `Ok`.
    #[expect(
        clippy::result_large_err,
        reason = "the stream is returned where it was"
    )]
    pub fn into_transport(mut self) -> Result<IO, (io::Error, Self)> {
        // An unflushed transport may still hold our close_notify, and one that has miscounted may
        // have lost it.
        let has_ended = self.phase.is_closing()
            && self.outbound() == Outbound::Clean
            && self.given == Given::Flushed
            && matches!(self.connection.plaintext(&mut self.input), Ok([]));
        if !has_ended {
            return Err((ErrorKind::NotEnded.into(), self));
        }
        match self.input.is_empty() {
            true => Ok(self.io),
            false => Err((ErrorKind::TrailingData.into(), self)),
        }
    }
}
