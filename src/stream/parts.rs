//! Disassembles and reassembles a stream.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::TlsStream;
use super::early_input::EarlyInput;
use super::send_buffer::SendBuffer;
use super::state::{Given, Phase};
use super::waiters::Waiters;
use crate::engine::{Engine, InputBuffer};

/// The parts of a [`TlsStream`].
///
/// `From` reassembles the stream, including everything that was in progress.
///
/// Reads return [`ciphertext`](Self::ciphertext), and then what arrives from [`io`](Self::io). After the
/// end of TLS ([`TlsStream::end_tls`]) that is the plaintext that follows. Writes go to the transport
/// unchanged.
///
/// ```
/// use pollback::client::TlsStream;
/// use pollback::stream::Parts;
/// use tokio::net::TcpStream;
///
/// /// Moves a stream to the current runtime.
/// fn adopt(stream: TlsStream<TcpStream>) -> std::io::Result<TlsStream<TcpStream>> {
///     let parts = stream.into_parts().try_map_io(|tcp| TcpStream::from_std(tcp.into_std()?))?;
///     Ok(TlsStream::from(parts))
/// }
/// ```
#[non_exhaustive]
pub struct Parts<IO, C> {
    /// The transport.
    pub io: IO,
    /// The connection, with the plaintext and ciphertext that it has queued.
    pub connection: C,
    /// Bytes that were read from the transport and not processed by the connection. They start at the
    /// boundary of a record; after the peer's close_notify they are what followed it, not ciphertext.
    pub ciphertext: Vec<u8>,
    /// Plaintext of batched writes that the connection has not received yet: see [`Options::with_batched_writes`](crate::Options::with_batched_writes).
    pub plaintext: Vec<u8>,
    /// Early data that a client has sent and the server has neither accepted nor rejected yet: if it is
    /// rejected, it has to be sent again.
    pub early_data_sent: Vec<u8>,
    /// Early data that a server has taken out of the connection and lent
    /// ([`poll_fill_buf`](tokio::io::AsyncBufRead::poll_fill_buf)) and that was not consumed. The
    /// rest of it is still in the connection, and follows.
    pub early_data_received: Vec<u8>,
    state: Box<State>,
}

/// The state of a stream, without its buffered bytes.
struct State {
    input: InputBuffer,
    early_input: EarlyInput,
    send_buffer: SendBuffer,
    phase: Phase,
    given: Given,
    unsent: usize,
    awaited: bool,
    read_error: Option<io::Error>,
    write_error: Option<io::Error>,
}

impl<IO, C> Parts<IO, C> {
    /// Replaces the transport.
    ///
    /// # Errors
    ///
    /// The error of `map`; everything else is then dropped.
    ///
    /// ```no_run
    /// use pollback::{client::TlsStream, rustls::ClientConnection, stream::Parts};
    /// use std::io;
    ///
    /// /// Takes the stream out of this runtime, to reassemble it in another one.
    /// fn leave(
    ///     stream: TlsStream<tokio::net::TcpStream>,
    /// ) -> io::Result<Parts<std::net::TcpStream, ClientConnection>> {
    ///     stream.into_parts().try_map_io(tokio::net::TcpStream::into_std)
    /// }
    /// ```
    pub fn try_map_io<T, E>(self, map: impl FnOnce(IO) -> Result<T, E>) -> Result<Parts<T, C>, E> {
        Ok(Parts {
            io: map(self.io)?,
            connection: self.connection,
            ciphertext: self.ciphertext,
            plaintext: self.plaintext,
            early_data_sent: self.early_data_sent,
            early_data_received: self.early_data_received,
            state: self.state,
        })
    }

    /// Moves as much of the ciphertext into `buf` as fits.
    fn take(&mut self, buf: &mut [u8]) -> usize {
        let length = buf.len().min(self.ciphertext.len());
        buf[..length].copy_from_slice(&self.ciphertext[..length]);
        self.ciphertext.drain(..length);
        length
    }
}

impl<IO, C: Engine> TlsStream<IO, C> {
    /// Continues a connection that was driven elsewhere; `input` is ciphertext that it has not
    /// received.
    pub(crate) fn adopt(io: IO, connection: C, input: InputBuffer) -> Self {
        Self {
            phase: match connection.is_handshaking() {
                true => Phase::Handshaking,
                false => Phase::Open,
            },
            // It is unknown whether the transport was flushed and whether the peer waits for that.
            given: Given::Unflushed,
            awaited: true,
            ..Self::new(io, connection, input)
        }
    }

    /// Disassembles the stream without losing a byte.
    pub fn into_parts(mut self) -> Parts<IO, C> {
        self.connection.take_begun(&mut self.input);
        let pending = self.send_buffer.pending().to_vec();
        let (early_data_sent, plaintext) = match self.is_early() {
            true => (pending, Vec::new()),
            false => (Vec::new(), pending),
        };
        let ciphertext = self.input.filled().to_vec();
        self.input.clear();
        self.send_buffer.forget();
        Parts {
            io: self.io,
            connection: *self.connection,
            ciphertext,
            plaintext,
            early_data_sent,
            early_data_received: self.early_input.take_lent(),
            state: Box::new(State {
                input: self.input,
                early_input: self.early_input,
                send_buffer: self.send_buffer,
                phase: self.phase,
                given: self.given,
                unsent: self.unsent,
                awaited: self.awaited,
                read_error: self.read_error,
                write_error: self.write_error,
            }),
        }
    }
}

impl<IO, C: Engine> From<Parts<IO, C>> for TlsStream<IO, C> {
    /// Reassembles the stream.
    fn from(mut parts: Parts<IO, C>) -> Self {
        let State {
            mut input,
            mut early_input,
            mut send_buffer,
            phase,
            given,
            unsent,
            awaited,
            read_error,
            write_error,
        } = *parts.state;
        if let Some(begun) = parts.connection.take_stowed() {
            input = begun;
        }
        input.append(&parts.ciphertext);
        early_input.lend(parts.early_data_received);
        for pending in [&parts.early_data_sent, &parts.plaintext] {
            if !pending.is_empty() {
                send_buffer.keep(pending);
            }
        }
        Self {
            io: parts.io,
            connection: Box::new(parts.connection),
            input,
            early_input,
            send_buffer,
            waiters: Waiters::default(),
            phase,
            given,
            unsent,
            awaited,
            read_error,
            write_error,
        }
    }
}

impl<IO: Read, C> Read for Parts<IO, C> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.take(buf) {
            0 => self.io.read(buf),
            length => Ok(length),
        }
    }
}

impl<IO: Write, C> Write for Parts<IO, C> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.io.write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.io.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io.flush()
    }
}

// The connection is never pinned.
impl<IO: Unpin, C> Unpin for Parts<IO, C> {}

impl<IO: AsyncRead + Unpin, C> AsyncRead for Parts<IO, C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ciphertext.is_empty() || buf.remaining() == 0 {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        let taken = this.take(buf.initialize_unfilled());
        buf.advance(taken);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin, C> AsyncWrite for Parts<IO, C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

impl<IO: fmt::Debug, C: fmt::Debug> fmt::Debug for Parts<IO, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("io", &self.io)
            .field("connection", &self.connection)
            .field("ciphertext", &self.ciphertext.len())
            .field("plaintext", &self.plaintext.len())
            .field("phase", &self.state.phase)
            .finish_non_exhaustive()
    }
}
