//! Early data of a client, and sending it again when the server refuses it.

use std::io;
use std::mem;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::waiters::Half;
use crate::engine::{Engine, LARGEST_PLAINTEXT};

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Sends one record of `data` as early data; `Ok(0)` if the handshake has no room for it.
    pub(super) fn poll_send_early(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        while self.connection.is_handshaking() {
            if self.poll_transmit(Half::Writer, cx)?.is_pending() {
                // The server may have to be read before it takes more.
                ready!(self.poll_handshake(Half::Writer, cx))?;
                continue;
            }
            if !self.early {
                break;
            }
            let data = &data[..data.len().min(LARGEST_PLAINTEXT)];
            let sent = self.connection.send_early(data)?;
            self.outgoing.keep(&data[..sent]);
            if sent > 0 {
                self.undelivered = true;
                // What the transport does not take now goes out before anything else is taken.
                if let Poll::Ready(Err(error)) = self.poll_transmit(Half::Writer, cx) {
                    self.write_error = Some(error);
                }
            }
            return Poll::Ready(Ok(sent));
        }
        Poll::Ready(Ok(0))
    }

    /// After the handshake, forgets the early data that the server took. What it did not take goes
    /// out again, before anything else.
    pub(super) fn settle_early(&mut self) {
        if mem::take(&mut self.early) && self.connection.is_early_data_accepted() {
            self.outgoing.forget();
        }
    }
}
