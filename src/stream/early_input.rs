//! Early data that a server has accepted, and the time until the client's Finished.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::TlsStream;
use super::state::Phase;
use crate::callback::Half;
use crate::engine::{Engine, LARGEST_PLAINTEXT};

/// Early data of a client, on its way to the reads of a server.
#[derive(Debug, Default)]
pub(super) struct EarlyInput {
    /// Read from the connection, which cannot lend it, and not consumed yet.
    lent: Option<Box<Lent>>,
    /// The number of bytes returned by reads. rustls limits early data to a `u32`.
    read: u32,
    /// Whether there is no early data, or no more of it.
    is_over: bool,
    /// Whether the handshake resolves as soon as early data is accepted.
    resolves: bool,
    /// Whether the connection sends plaintext before the client's Finished.
    half_rtt: bool,
}

#[derive(Debug)]
struct Lent {
    bytes: Vec<u8>,
    consumed: usize,
}

impl EarlyInput {
    /// The early data that was read from the connection and not consumed.
    #[inline]
    pub(super) fn lent(&self) -> &[u8] {
        match &self.lent {
            Some(lent) => &lent.bytes[lent.consumed..],
            None => &[],
        }
    }

    /// Removes the lent bytes.
    pub(super) fn take_lent(&mut self) -> Vec<u8> {
        let rest = self.lent().to_vec();
        self.lent = None;
        rest
    }

    /// Restores lent bytes.
    pub(super) fn lend(&mut self, bytes: Vec<u8>) {
        self.lent = (!bytes.is_empty()).then(|| Box::new(Lent { bytes, consumed: 0 }));
    }

    /// Consumes `amount` of the lent bytes; returns whether any were lent.
    #[inline]
    pub(super) fn consume(&mut self, amount: usize) -> bool {
        let Some(lent) = &mut self.lent else {
            return false;
        };
        let rest = lent.bytes.len() - lent.consumed;
        assert!(amount <= rest, "more was consumed than there is");
        lent.consumed += amount;
        self.read += amount as u32;
        if amount == rest {
            self.lent = None;
        }
        true
    }
}

impl<IO, C> TlsStream<IO, C> {
    /// Returns how many of the bytes that were read came as early data (0-RTT).
    ///
    /// They are the first bytes of the stream, and no read returns bytes of both kinds. An attacker
    /// can replay early data on other connections (RFC 8446, section 8), so a server should act on
    /// it only if that does no harm, or once [`finish_handshake`](Self::finish_handshake) has
    /// returned: then this connection is not a replay. Returns 0 in a client.
    ///
    /// ```no_run
    /// use pollback::server::TlsStream;
    /// use std::io;
    /// use tokio::{io::AsyncReadExt, net::TcpStream};
    ///
    /// /// Reads a command, and makes sure that it is not a replay.
    /// async fn command(stream: &mut TlsStream<TcpStream>) -> io::Result<u8> {
    ///     let command = stream.read_u8().await?;
    ///     if stream.early_data_read() > 0 {
    ///         stream.finish_handshake().await?;
    ///     }
    ///     Ok(command)
    /// }
    /// ```
    pub fn early_data_read(&self) -> usize {
        self.early_input.read as usize
    }

    /// Makes the handshake resolve as soon as early data is accepted.
    pub(super) fn resolve_early(&mut self, enabled: bool) {
        self.early_input.resolves = enabled;
    }

    /// Sets whether the connection sends plaintext before the client's Finished.
    pub(crate) fn with_half_rtt(mut self, enabled: bool) -> Self {
        self.early_input.half_rtt = enabled;
        self
    }
}

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Completes the handshake of a stream that was returned before the handshake was complete.
    ///
    /// A stream with early data can be used before its handshake is complete. In a server this
    /// function waits for the client's Finished, which proves that the early data is not a replay;
    /// early data that was not read yet is kept for reads, as much as
    /// [`ServerConfig::max_early_data_size`](rustls::ServerConfig::max_early_data_size) allows. In
    /// a client it waits until the server has authenticated itself. Reads complete the handshake
    /// too, and without early data it is complete already.
    ///
    /// # Errors
    ///
    /// As for [`Handshake`](super::Handshake).
    ///
    /// # Cancel safety
    ///
    /// This function is cancel safe: it can be dropped and called again, and nothing is lost.
    ///
    /// ```no_run
    /// use pollback::server::TlsStream;
    /// use std::io;
    /// use tokio::io::AsyncReadExt;
    /// use tokio::net::TcpStream;
    ///
    /// async fn receive(stream: &mut TlsStream<TcpStream>) -> io::Result<Vec<u8>> {
    ///     let mut order = vec![0; 100];
    ///     stream.read_exact(&mut order).await?;
    ///     if stream.early_data_read() > 0 {
    ///         // Executing an order twice would do harm.
    ///         stream.finish_handshake().await?;
    ///     }
    ///     Ok(order)
    /// }
    /// ```
    pub async fn finish_handshake(&mut self) -> io::Result<()> {
        poll_fn(|cx| match self.phase.is_handshaking() {
            true => self.poll_handshake(Half::Reader, cx),
            false => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Ready once the stream can be used: after the handshake, or earlier if early data is
    /// accepted.
    pub(super) fn poll_establish(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_accepted = &mut |stream: &mut Self| {
            stream.early_input.resolves
                && stream.write_error.is_none()
                && stream.connection.read_early(&mut []).is_some()
        };
        ready!(self.poll_handshake_until(Half::Writer, cx, is_accepted))?;
        if self.phase.is_handshaking() {
            self.phase = Phase::Unconfirmed {
                half_rtt: self.early_input.half_rtt,
            };
        }
        Poll::Ready(Ok(()))
    }

    /// Ready with `true` once `take` has taken early data, or with `false` once plaintext can be
    /// read.
    ///
    /// The handshake flushes and reports failures itself, so the caller need not flush when this is
    /// pending.
    #[inline]
    pub(super) fn poll_read_open_phase(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&mut Self) -> bool,
    ) -> Poll<io::Result<bool>> {
        if self.early_input.is_over && !self.phase.is_handshaking() {
            return Poll::Ready(Ok(false));
        }
        self.poll_early(cx, take)
    }

    fn poll_early(
        &mut self,
        cx: &mut Context<'_>,
        take: &mut dyn FnMut(&mut Self) -> bool,
    ) -> Poll<io::Result<bool>> {
        if take(self) {
            return Poll::Ready(Ok(true));
        }
        if !self.phase.is_handshaking() {
            self.early_input.is_over = true;
            return Poll::Ready(Ok(false));
        }
        if let Some(error) = self.read_error.take() {
            return Poll::Ready(Err(error));
        }
        let answer = match self.phase {
            Phase::Unconfirmed { .. } => self.poll_handshake_until(Half::Reader, cx, take),
            _ => self.poll_handshake(Half::Reader, cx),
        };
        if !take(self) {
            return answer.map_ok(|()| false);
        }
        // Return the data that arrived before the error first. A failure of TLS need not be stored:
        // every later call returns it anyway.
        if let Poll::Ready(Err(error)) = answer {
            if !matches!(self.phase, Phase::Failed(_)) {
                self.read_error = Some(error);
            }
        }
        Poll::Ready(Ok(true))
    }

    /// Copies available early data into `buf`, as far as it has room.
    pub(super) fn copy_early(&mut self, buf: &mut ReadBuf<'_>) {
        let lent = self.early_input.lent();
        let taken = lent.len().min(buf.remaining());
        if taken > 0 {
            buf.put_slice(&lent[..taken]);
            self.early_input.consume(taken);
        }
        if self.connection.read_early(&mut []).is_none() {
            return;
        }
        while buf.remaining() > 0 {
            let Some(taken @ 1..) = self.connection.read_early(buf.initialize_unfilled()) else {
                return;
            };
            buf.advance(taken);
            self.early_input.read += taken as u32;
        }
    }

    /// Lends early data if any is available.
    pub(super) fn lend_early(&mut self) -> bool {
        if self.early_input.lent().is_empty() && self.connection.read_early(&mut []).is_some() {
            let mut bytes = vec![0; LARGEST_PLAINTEXT];
            let taken = self.connection.read_early(&mut bytes).unwrap_or_default();
            bytes.truncate(taken);
            self.early_input.lend(bytes);
        }
        !self.early_input.lent().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lent_bytes_are_consumed_in_parts_and_what_follows_is_not_theirs() {
        let mut input = EarlyInput::default();
        input.lend(b"early data".to_vec());
        assert!(input.consume(4));
        assert_eq!(input.lent(), b"y data");
        assert!(input.consume(6));
        assert!(!input.consume(1), "it is plaintext of the connection");
        assert_eq!(input.read, 10);
    }

    #[test]
    #[should_panic(expected = "more was consumed than there is")]
    fn no_more_is_consumed_than_what_is_left() {
        let mut input = EarlyInput::default();
        input.lend(b"early data".to_vec());
        input.consume(4);
        input.consume(7);
    }
}
