//! rustls behind one private trait. Speaks bytes and std's traits; does no I/O of its own.

use std::io::{self, IoSlice, Read, Write};

use crate::error::{Error, ErrorKind};

mod alert;
mod inbox;
mod rustls;

pub(crate) use self::alert::Alert;
pub(crate) use self::inbox::{Inbox, ReadAhead};

/// The most plaintext that a record holds (RFC 8446, section 5.1).
pub(crate) const LARGEST_PLAINTEXT: usize = 16 * 1024;

/// The most ciphertext of a record with its header (RFC 5246, section 6.2.3).
pub(crate) const LARGEST_RECORD: usize = LARGEST_PLAINTEXT + 2048 + 5;

/// Why the engine refused what the peer sent. It stays refused: every later answer is the same.
#[derive(Debug)]
pub struct Failure(io::Error);

impl Failure {
    #[cfg(feature = "ffi")]
    pub(crate) fn new(error: io::Error) -> Self {
        Self(error)
    }

    /// Whether the peer has ended the connection with an alert, and hears nothing more.
    pub(crate) fn is_alert_of_peer(&self) -> bool {
        let found = Error::find(&self.0).map(|error| error.kind());
        matches!(found, Some(ErrorKind::Alert(_)))
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

/// A TLS connection that turns plaintext into ciphertext and back.
///
/// The shape is that of the rustls C API, since that fits every rustls.
pub trait Engine {
    /// Whether the handshake still has to complete before plaintext can pass both ways.
    fn is_handshaking(&self) -> bool;

    /// Whether the peer cannot complete its handshake without what is to be transmitted.
    fn is_awaited(&self) -> bool;

    /// Whether there is ciphertext to transmit.
    fn wants_write(&self) -> bool;

    /// Takes ciphertext in and decrypts what is whole: what the inbox holds, or if that is empty,
    /// the outcome of one attempt at `source`.
    ///
    /// To be asked only while [`plaintext`](Self::plaintext) says that there is none yet. Stops as
    /// soon as there is some, and when the peer has closed or the source has ended; says how many
    /// bytes it took.
    ///
    /// The outer error is that of `source`, the inner one that of TLS; with that an alert is to be
    /// transmitted.
    fn receive(
        &mut self,
        inbox: &mut Inbox,
        source: &mut dyn Read,
    ) -> io::Result<Result<usize, Failure>>;

    /// Moves ciphertext out of the inbox until it is empty or the engine can hold no more.
    fn absorb(&mut self, inbox: &mut Inbox);

    /// Decrypted bytes: some, none for ever after close_notify (an empty slice), none yet
    /// (`WouldBlock`), or none for ever because the ciphertext was cut off (`UnexpectedEof`).
    fn plaintext(&mut self) -> io::Result<&[u8]>;

    /// Drops the first `taken` bytes of [`plaintext`](Self::plaintext).
    fn consume(&mut self, taken: usize);

    /// Takes plaintext in and encrypts it; says how much of it.
    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Takes plaintext in as early data, as far as the handshake has room for it.
    fn send_early(&mut self, data: &[u8]) -> io::Result<usize>;

    /// Whether the peer took the early data, once the handshake is over.
    fn is_early_data_accepted(&self) -> bool;

    /// Queues what the peer asked for and the engine held back until we would send something.
    fn queue_answers(&mut self);

    /// Gives ciphertext out: one attempt at `sink`.
    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize>;

    /// Queues close_notify, after which no plaintext may be sent.
    fn close(&mut self);
}

/// A transport that has nothing to read at the moment.
pub(crate) struct Nothing;

impl Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
