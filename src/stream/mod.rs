//! The stream that applications read and write: one type for clients and servers, and for every
//! version of rustls.
//!
//! - `state.rs`: the states of a stream, with a diagram
//! - `transport.rs`, `sink.rs`: move ciphertext between the transport and the connection
//! - `handshake.rs`, `read.rs`, `write.rs`, `shutdown.rs`, `failure.rs`: what the application calls
//! - `establish.rs`: performs the handshake
//! - `attempts.rs`: operations that never wait
//! - `connection.rs`: the trait for generic code over connections
//! - `split.rs`, `shared.rs`, `sides.rs`: owned halves
//! - `early.rs`: early data of a client
//! - `early_input.rs`: early data in a server
//! - `parts.rs`: disassembles and reassembles a stream
//! - `end.rs`: ends TLS and keeps the transport
//! - `send_buffer.rs`, `slices.rs`: how plaintext is divided into records and attempts
//! - `handshake_settings.rs`: what a connector or an acceptor sets for each handshake
//! - `timeout.rs`: how long a handshake may take
//! - `waiters.rs`: which half waits for what
//! - `leftover.rs`: keeps the transport of a failed handshake
//! - `read_client_hello.rs`, `pending_alert.rs`: what is read and sent before there is a connection

use std::fmt;
use std::io::{self, IoSlice};

mod attempts;
mod connection;
mod early;
mod early_input;
mod end;
mod establish;
mod failure;
mod handshake;
mod handshake_settings;
mod leftover;
mod parts;
mod pending_alert;
mod read;
mod read_client_hello;
mod send_buffer;
#[cfg(feature = "next")]
mod shared;
mod shutdown;
#[cfg(feature = "next")]
mod sides;
mod sink;
mod slices;
#[cfg(feature = "next")]
mod split;
mod state;
mod timeout;
mod transport;
mod waiters;
mod write;

pub use connection::TlsConnection;
pub use handshake::{FallibleHandshake, Handshake};
pub(crate) use handshake_settings::HandshakeSettings;
pub(crate) use leftover::Leftover;
pub use parts::Parts;
pub(crate) use pending_alert::PendingAlert;
pub(crate) use read_client_hello::ReadClientHello;
#[cfg(feature = "next")]
pub use split::{Halves, ReadHalf, WriteHalf};

use crate::engine::{Engine, InputBuffer};
use crate::options::Options;
use early_input::EarlyInput;
use send_buffer::SendBuffer;
use state::{Given, Phase};
use waiters::Waiters;

/// A TLS connection over the transport `IO`, driven by the rustls connection `C`.
///
/// Known as [`client::TlsStream`](crate::client::TlsStream) and
/// [`server::TlsStream`](crate::server::TlsStream).
///
/// # Reading
///
/// A read fills the buffer with every record that has arrived, up to 512 of them in one call. After
/// the peer's close_notify reads return 0 bytes, and writes continue to work. If the transport ends
/// without a close_notify, reads fail with [`ErrorKind::Truncated`](crate::ErrorKind::Truncated)
/// (`UnexpectedEof`): data may be missing.
///
/// Each record that was read from the transport ahead of time is charged to the cooperative budget of
/// the task ([`tokio::task::coop`]), so that a flood of small ones lets other tasks run.
///
/// Before it waits, a read sends buffered data and pending responses to the peer, so a request
/// needs no flush. If writes fail, reads continue to return what the peer has sent. If a request
/// could not be sent, a read does not wait for its response but fails. After `BrokenPipe`,
/// `ConnectionReset` and `ConnectionAborted` it waits, since reads of such a transport end by
/// themselves.
///
/// # Buffering and flushing
///
/// Writes are encrypted and passed to the transport at once. What one call writes, up to 64 KiB,
/// is one write of the transport, in full records, also if the transport has no vectored writes; a
/// larger call accepts 64 KiB. While the transport is not ready, up to 64 KiB are buffered, and further
/// writes are pending. A flush writes everything out and flushes the transport; so does a read before
/// it waits, in whichever task. [`Options`] change these limits and can batch writes.
///
/// `Ok(n)` from a write means that these n bytes will be sent, in order, or that a later call
/// fails. After an error of the transport the bytes of the failed call may still be sent by a later
/// call, if the transport works again.
///
/// # Shutdown
///
/// A shutdown flushes, sends close_notify, reads what has arrived and closes the write half of the
/// transport. Reads continue to work; later writes fail with
/// [`ErrorKind::Closed`](crate::ErrorKind::Closed) (`BrokenPipe`). [`close`](Self::close) also
/// waits for the peer's close_notify.
///
/// Dropping the stream sends nothing: without a shutdown the peer sees a truncated stream. Over TCP,
/// the peer receives everything from a stream that is dropped after a shutdown if nothing more arrives
/// than the shutdown has read: the tickets of a server, and at least 18 KiB of anything else. Unread
/// bytes make the kernel send a reset, which destroys what the peer has not received by then. If the
/// peer may still be sending, use [`close`](Self::close).
///
/// # Errors
///
/// Errors of the transport are returned unchanged, by the call that encountered them, and the next
/// call is a new attempt. Errors of TLS are permanent: an [`io::Error`] of kind `InvalidData` that
/// contains the [`rustls::Error`], returned once the alert for the peer has been sent, as far as the
/// transport allows, and by every later call.
///
/// # Cancel safety
///
/// A single read, write, flush or shutdown is cancel safe: a read that was dropped has lost no data,
/// and a write that was dropped has accepted none, so that any other may follow. Functions that
/// combine several of them, such as `write_all` and `read_exact`, are not, as with any Tokio stream.
///
/// # Splitting
///
/// The halves of [`tokio::io::split`] may be used by two tasks: neither loses its wakeup.
///
/// ```no_run
/// use pollback::client::TlsStream;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, split};
/// use tokio::net::TcpStream;
///
/// /// Sends a request while the response is read, since neither may fit into a buffer.
/// async fn exchange(stream: TlsStream<TcpStream>, request: &[u8]) -> std::io::Result<Vec<u8>> {
///     let (mut reader, mut writer) = split(stream);
///     let sending = async {
///         writer.write_all(request).await?;
///         writer.shutdown().await
///     };
///     let mut response = Vec::new();
///     tokio::try_join!(sending, reader.read_to_end(&mut response))?;
///     Ok(response)
/// }
/// ```
pub struct TlsStream<IO, C> {
    io: IO,
    connection: Box<C>,
    input: InputBuffer,
    early_input: EarlyInput,
    send_buffer: SendBuffer,
    waiters: Waiters,
    phase: Phase,
    given: Given,
    /// Approximately how much ciphertext of writes the transport has not accepted; once
    /// close_notify is queued, the amount at that time.
    unsent: usize,
    /// Whether the peer may wait for something that is not flushed: plaintext that a write has
    /// accepted, or the end of a handshake. It waits for neither tickets nor responses.
    awaited: bool,
    /// Transport errors found by the other half, or while something else had to be returned first.
    /// The next read or write returns them.
    read_error: Option<io::Error>,
    write_error: Option<io::Error>,
}

impl<IO, C> TlsStream<IO, C> {
    pub(crate) fn new(io: IO, connection: C, input: InputBuffer) -> Self {
        Self {
            io,
            connection: Box::new(connection),
            input,
            early_input: EarlyInput::default(),
            send_buffer: SendBuffer::default(),
            waiters: Waiters::default(),
            phase: Phase::default(),
            given: Given::default(),
            unsent: 0,
            awaited: false,
            read_error: None,
            write_error: None,
        }
    }

    /// Sends plaintext as early data while the handshake has room for it.
    pub(crate) fn with_early_data(mut self) -> Self {
        self.phase = Phase::EarlyData;
        self
    }

    fn is_early(&self) -> bool {
        matches!(self.phase, Phase::EarlyData)
    }

    /// Returns the transport and the connection.
    pub fn get_ref(&self) -> (&IO, &C) {
        (&self.io, &self.connection)
    }

    /// Returns mutable references to the transport and the connection.
    ///
    /// Bytes that are read from or written to the transport here are missing from the stream.
    pub fn get_mut(&mut self) -> (&mut IO, &mut C) {
        (&mut self.io, &mut self.connection)
    }
}

impl<IO, C: Engine> TlsStream<IO, C> {
    /// Applies `options`. Must be called before plaintext is written.
    pub(crate) fn with_options(mut self, options: &Options) -> Self {
        self.input.bound(options.read_ahead());
        self.send_buffer = SendBuffer::new(options, C::FULL_RECORD);
        if let Some(limit) = options.queue_limit() {
            self.connection.limit_queue(limit);
        }
        self
    }

    /// Returns the transport and the connection.
    ///
    /// Ciphertext that was read ahead is passed to the connection, and so is plaintext that batched
    /// writes have accepted: the connection then receives and sends every byte. Use
    /// [`into_parts`](Self::into_parts) where this is not enough: bytes that follow the peer's
    /// close_notify are not ciphertext, a shutdown that was blocked may have read more than a
    /// connection can hold, early data may have to be sent again or may have been
    /// lent without being consumed, and an error of the transport that occurred during another call
    /// is still to be returned by the next one.
    pub fn into_inner(mut self) -> (IO, C) {
        self.connection.stow(&mut self.input);
        let pending = self.send_buffer.pending();
        if !pending.is_empty() && !self.is_early() {
            self.connection.limit_queue(None);
            // A connection accepts nothing only if it has failed, and then nothing could be sent
            // anyway.
            let _ = self.connection.send(&[IoSlice::new(pending)]);
        }
        (self.io, *self.connection)
    }
}

impl<IO: fmt::Debug, C: fmt::Debug> fmt::Debug for TlsStream<IO, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("io", &self.io)
            .field("connection", &self.connection)
            .field("input", &self.input)
            .field("phase", &self.phase)
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
mod descriptor {
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    use super::TlsStream;

    impl<IO: AsFd, C> AsFd for TlsStream<IO, C> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.io.as_fd()
        }
    }

    impl<IO: AsRawFd, C> AsRawFd for TlsStream<IO, C> {
        fn as_raw_fd(&self) -> RawFd {
            self.io.as_raw_fd()
        }
    }
}

#[cfg(windows)]
mod socket {
    use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

    use super::TlsStream;

    impl<IO: AsSocket, C> AsSocket for TlsStream<IO, C> {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.io.as_socket()
        }
    }

    impl<IO: AsRawSocket, C> AsRawSocket for TlsStream<IO, C> {
        fn as_raw_socket(&self) -> RawSocket {
            self.io.as_raw_socket()
        }
    }
}
