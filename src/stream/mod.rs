//! The stream that applications read and write, the same for both sides.

use std::fmt;
use std::io::{self, IoSlice};

mod close;
mod drive;
mod early;
mod handshake;
mod outgoing;
mod read;
mod refusal;
mod slices;
mod waiters;
mod write;

pub use handshake::{FallibleHandshake, Handshake};
pub(crate) use refusal::Refusal;

use crate::engine::{Engine, Inbox};
use crate::options::Options;
use outgoing::Outgoing;
use waiters::Waiters;

/// A TLS stream over the transport `IO`, driven by the rustls connection `C`.
///
/// Known as [`client::TlsStream`](crate::client::TlsStream) and
/// [`server::TlsStream`](crate::server::TlsStream).
///
/// # Reading
///
/// A read fills the buffer with every record that has arrived. After the peer's close_notify reads
/// give 0 bytes for ever, and writes go on working. If the transport ends without a close_notify,
/// reads fail with [`ErrorKind::Truncated`](crate::ErrorKind::Truncated) (`UnexpectedEof`): data
/// may be missing. A read also sends what is still to be sent, so waiting for an answer needs no
/// flush. If that fails, reads go on as they do on a socket; but where a read would have to wait
/// although what the peer waits for has not gone out, it fails.
///
/// # Writing
///
/// `Ok(n)` from a write means that these n bytes will be sent, in order, or that a later call
/// fails. Each record is offered to the transport at once; at most one (16 KiB of plaintext) stays
/// behind when a writer stops without a flush. A flush sends everything and flushes the transport.
/// The transport gets several records in one vectored write, and a lone one in a plain write.
/// [`Options`] can change when records are made and how long they are.
///
/// A shutdown sends close_notify, takes in what has already arrived and shuts the transport down
/// for writing; reads go on working, later writes fail with
/// [`ErrorKind::Closed`](crate::ErrorKind::Closed) (`BrokenPipe`).
///
/// # Dropping
///
/// A stream that is dropped without a shutdown looks truncated to the peer. Over TCP, one that is
/// dropped after a shutdown is whole to the peer if nothing more arrives than the shutdown took in:
/// the tickets of a server, and up to 64 KiB of anything else. Unread bytes, or bytes that arrive
/// after the drop, make the kernel send a reset, which destroys what the peer's kernel has not got
/// by then. Where the peer may still be sending, [`close`](Self::close) waits for its end.
///
/// # Errors
///
/// Errors of the transport come through as the objects they are. Once a read of the transport has
/// failed it is not read any more, and later reads fail with the same kind, code and message; so
/// no data follows a hole. A TLS failure is an [`io::Error`] of kind `InvalidData` that holds the
/// [`rustls::Error`]; it is returned after the alert for the peer has been delivered, and by every
/// later call.
///
/// # Cancel safety
///
/// Every operation can be dropped at any time: what a read has not returned is returned by the
/// next one, and a write that was not reported has taken nothing, so that it can be followed by any
/// other.
///
/// # Two tasks
///
/// The halves made by `tokio::io::split` can be used by two tasks. When one of them does the
/// transport's work for the other, both are woken.
pub struct TlsStream<IO, C> {
    io: IO,
    connection: Box<C>,
    inbox: Inbox,
    outgoing: Outgoing,
    waiters: Waiters,
    /// Errors of the transport that the next read or write has to tell.
    read_error: Option<io::Error>,
    write_error: Option<io::Error>,
    /// Whether what waits has been sent as early data, and may not have to be sent again.
    early: bool,
    /// Whether the transport was given bytes that it was not told to flush.
    unflushed: bool,
    /// Whether some of that, or of what is still here, is something that the peer may wait for:
    /// plaintext that a write has taken, or the end of a handshake.
    undelivered: bool,
    /// Whether the transport has claimed more bytes than it was offered. Nobody knows how many it
    /// has taken, so nothing can follow them.
    miscounted: bool,
    /// Whether there may be requests of the peer for which no answer was queued yet.
    received: bool,
    /// Whether close_notify was queued.
    closed: bool,
}

/// What a [`TlsStream`] is made of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<IO, C> {
    /// The transport.
    pub io: IO,
    /// The connection, with the plaintext and ciphertext that it has queued.
    pub connection: C,
    /// Ciphertext that was read from the transport and not yet taken in by the connection.
    pub ciphertext: Vec<u8>,
    /// Plaintext that writes have taken and that was not given to the connection, since it waited
    /// for more: see [`Options::with_coalescing`](crate::Options::with_coalescing).
    pub plaintext: Vec<u8>,
}

impl<IO, C> TlsStream<IO, C> {
    pub(crate) fn new(io: IO, connection: C) -> Self {
        Self {
            io,
            connection: Box::new(connection),
            inbox: Inbox::default(),
            outgoing: Outgoing::default(),
            waiters: Waiters::default(),
            read_error: None,
            write_error: None,
            early: false,
            unflushed: false,
            undelivered: false,
            miscounted: false,
            received: false,
            closed: false,
        }
    }

    /// Uses the transport as `options` say. To be called before plaintext is written.
    pub(crate) fn with_options(mut self, options: &Options) -> Self {
        self.inbox.bound(options.read_ahead);
        self.outgoing = Outgoing::new(options);
        self
    }

    /// Makes writes go out as early data as long as the handshake has room for it.
    pub(crate) fn with_early_data(mut self) -> Self {
        self.early = true;
        self
    }

    /// The transport and the connection.
    pub fn get_ref(&self) -> (&IO, &C) {
        (&self.io, &self.connection)
    }

    /// The transport and the connection, to be changed.
    ///
    /// Bytes that are read from or written to the transport here are missing from the stream.
    pub fn get_mut(&mut self) -> (&mut IO, &mut C) {
        (&mut self.io, &mut self.connection)
    }

    /// Takes the stream apart, with nothing left out.
    pub fn into_parts(self) -> Parts<IO, C> {
        Parts {
            ciphertext: self.inbox.filled().to_vec(),
            // Early data is with the connection already.
            plaintext: match self.early {
                true => Vec::new(),
                false => self.outgoing.waiting().to_vec(),
            },
            io: self.io,
            connection: *self.connection,
        }
    }
}

impl<IO, C: Engine> TlsStream<IO, C> {
    /// The transport and the connection.
    ///
    /// Ciphertext that was read ahead is handed to the connection, which takes at least the rest
    /// of the current record and, while no more than 16 KiB of plaintext wait, what follows it.
    /// With more than that unread by the application use [`into_parts`](Self::into_parts), which
    /// leaves nothing out. Writes that wait for more are handed over in the same way.
    pub fn into_inner(mut self) -> (IO, C) {
        self.connection.absorb(&mut self.inbox);
        if !self.early {
            // What it does not take, for want of room or since it has failed, is lost as in a drop.
            let waiting = IoSlice::new(self.outgoing.waiting());
            let _ = self.connection.send(&[waiting]);
        }
        (self.io, *self.connection)
    }
}

impl<IO: fmt::Debug, C: fmt::Debug> fmt::Debug for TlsStream<IO, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("io", &self.io)
            .field("connection", &self.connection)
            .field("inbox", &self.inbox)
            .field("closed", &self.closed)
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
