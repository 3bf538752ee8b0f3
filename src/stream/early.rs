//! Early data of a client, and its retransmission if the server rejects it.

use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::state::Phase;
use crate::callback::Half;
use crate::engine::{Engine, LARGEST_PLAINTEXT};

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Sends one record of `data` as early data. Returns `Ok(0)` if the limit on early data is
    /// reached or the stream does not send any.
    pub(super) fn poll_write_early(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        while matches!(self.phase, Phase::EarlyData) && self.write_error.is_none() {
            if !self.connection.is_handshaking()
                || self.poll_write_io(Half::Writer, cx)?.is_pending()
            {
                // The handshake may have to read from the server before the transport accepts more.
                ready!(self.poll_handshake(Half::Writer, cx))?;
                continue;
            }
            let data = &data[..data.len().min(LARGEST_PLAINTEXT)];
            let sent = self.connection.send_early(data)?;
            self.send_buffer.keep(&data[..sent]);
            if sent > 0 {
                self.awaited = true;
                // What the transport does not accept now is sent before any later data.
                let _ = self.poll_write_io(Half::Writer, cx)?;
            }
            return Poll::Ready(Ok(sent));
        }
        Poll::Ready(Ok(0))
    }

    /// Opens the stream after the handshake. Accepted early data is dropped; rejected early data is
    /// sent again, before anything else.
    pub(super) fn finish_early_data(&mut self) {
        if matches!(self.phase, Phase::EarlyData) && self.connection.is_early_data_accepted() {
            self.send_buffer.forget();
        }
        self.phase = Phase::Open;
    }
}
