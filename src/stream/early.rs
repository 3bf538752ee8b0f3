//! Early data of a client, and sending it again when the server refuses it.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::slices::RECORD;
use super::waiters::Half;
use crate::engine::Engine;
use crate::error::ErrorKind;

/// The early data that was sent, kept until the server says whether it took it.
#[derive(Debug, Default)]
pub(super) struct Early {
    data: Vec<u8>,
    /// How much of it has been sent again.
    resent: usize,
}

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Sends a record as early data; `Ok(0)` if the handshake has no room for it.
    pub(super) fn poll_send_early(
        &mut self,
        cx: &mut Context<'_>,
        record: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        while self.connection.is_handshaking() {
            if self.poll_transmit(Half::Writer, cx)?.is_pending() {
                // The server may have to be read before it takes more.
                ready!(self.poll_handshake(Half::Writer, cx))?;
                continue;
            }
            let Some(early) = &mut self.early else { break };
            let data: &[u8] = record.first().map_or(&[], |slice| slice);
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

    /// Sends again, after the handshake, the early data that the server did not take.
    pub(super) fn poll_resend(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.is_early_data_accepted() {
            self.early = None;
        }
        loop {
            ready!(self.poll_transmit(half, cx))?;
            let Some(early) = &mut self.early else {
                return Poll::Ready(Ok(()));
            };
            let rest = &early.data[early.resent..];
            if rest.is_empty() {
                self.early = None;
                return Poll::Ready(Ok(()));
            }
            let record = &rest[..rest.len().min(RECORD)];
            match self.connection.send(&[IoSlice::new(record)])? {
                0 => return Poll::Ready(Err(ErrorKind::Refused.into())),
                sent => {
                    early.resent += sent;
                    self.undelivered = true;
                }
            }
        }
    }
}
