//! Early data of a client, and sending it again when the server refuses it.

use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::waiters::Half;
use crate::engine::{Engine, LARGEST_PLAINTEXT};

/// The early data that was sent, kept until the server says whether it took it.
#[derive(Debug, Default)]
pub(super) struct Early {
    data: Vec<u8>,
}

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
            let Some(early) = &mut self.early else { break };
            let data = &data[..data.len().min(LARGEST_PLAINTEXT)];
            let sent = self.connection.send_early(data)?;
            early.data.extend_from_slice(&data[..sent]);
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

    /// After the handshake, makes the early data that the server did not take wait to be sent again,
    /// before anything else.
    pub(super) fn settle_early(&mut self) {
        if let Some(early) = self.early.take() {
            if !self.connection.is_early_data_accepted() {
                self.outgoing.keep(&early.data);
            }
        }
    }
}
