//! TLS connections without I/O, behind one private trait. This module depends on rustls and std's
//! I/O traits, not on tokio, so it is tested and fuzzed without a runtime.
//!
//! - `rustls.rs`: connections of rustls 0.23, both sides in one implementation
//! - `next.rs`: connections of rustls 0.24, in one implementation too
//! - `next_facts.rs`: what a program can query from them
//! - `directions.rs`: each of their two directions as an engine
//! - `next_sides.rs`: the differences between their two sides
//! - `next_handshake.rs`: their handshake
//! - `next_verify.rs`: the same, with a pause for the verification of the peer
//! - `next_early.rs`: early data that a server has accepted
//! - `next_hello.rs`: a ClientHello for rustls 0.24, before there is a connection
//! - `in_place.rs`, `output.rs`: the buffers that rustls 0.24 leaves to its caller
//! - `feed.rs`: how ciphertext goes into a connection that buffers it, record by record
//! - `input.rs`: ciphertext that was read from the transport ahead of the connection
//! - `read_ahead.rs`, `spare.rs`: how much is read ahead, and the memory for it
//! - `framing.rs`: where the records of a TLS stream end
//! - `failure.rs`: why a connection has failed, or why it could not receive
//! - `hello.rs`: a ClientHello, before there is a connection
//! - `alert.rs`: alerts that are sent without a connection

use std::io::{self, IoSlice, Read, Write};
use std::task::{Context, Poll};

mod alert;
#[cfg(feature = "next")]
pub(crate) mod directions;
mod failure;
pub(crate) mod feed;
mod first;
mod framing;
mod hello;
#[cfg(feature = "next")]
mod in_place;
mod input;
#[cfg(feature = "next")]
pub(crate) mod next;
#[cfg(feature = "next")]
mod next_early;
#[cfg(feature = "next")]
mod next_facts;
#[cfg(feature = "next")]
mod next_handshake;
#[cfg(feature = "next")]
pub(crate) mod next_hello;
#[cfg(feature = "next")]
pub(crate) mod next_sides;
#[cfg(feature = "next")]
pub(crate) mod next_verify;
#[cfg(feature = "next")]
mod output;
mod placement;
mod read_ahead;
mod rustls;
mod spare;

pub(crate) use self::alert::Alert;
pub(crate) use self::failure::{Failure, ReceiveError};
#[cfg(feature = "ffi")]
pub(crate) use self::feed::Processed;
pub(crate) use self::feed::{Feed, Received};
pub(crate) use self::hello::{AcceptHello, accept};
pub(crate) use self::input::InputBuffer;
pub(crate) use self::read_ahead::ReadAhead;

const KIB: usize = 1024;

/// The most plaintext that a record holds (RFC 8446, section 5.1).
pub(crate) const LARGEST_PLAINTEXT: usize = 16 * 1024;

/// The most that a record adds to its plaintext with the cipher suites of rustls (RFC 5288, section 3).
pub(crate) const LARGEST_OVERHEAD: usize = 32;

/// The most ciphertext of a record with its header (RFC 5246, section 6.2.3).
pub(crate) const LARGEST_RECORD: usize = LARGEST_PLAINTEXT + 2048 + 5;

/// A TLS connection that turns plaintext into ciphertext and back.
///
/// The methods follow the rustls C API, which suits every version of rustls. Nothing here waits:
/// `source` and `sink` are attempts, whose errors are returned unchanged.
///
/// The order of calls: [`plaintext`](Self::plaintext) until it has none, then
/// [`receive`](Self::receive); [`send`](Self::send), then [`transmit`](Self::transmit) for as long
/// as [`wants_write`](Self::wants_write). After a failure of TLS, only what is already queued is
/// transmitted: the caller keeps the failure and does not call [`receive`](Self::receive) again.
pub trait Engine {
    /// The most plaintext that a record of this engine holds.
    const FULL_RECORD: usize = LARGEST_PLAINTEXT;

    // Queries.

    /// Whether the handshake still has to complete before plaintext can pass both ways.
    fn is_handshaking(&self) -> bool;

    /// Whether the peer needs what is queued to complete its handshake.
    fn is_awaited(&self) -> bool;

    /// Whether there is ciphertext to transmit.
    fn wants_write(&self) -> bool;

    /// Whether the peer accepted the early data, once the handshake is over.
    fn is_early_data_accepted(&self) -> bool;

    /// Ready once the handshake is not waiting for the verification of the peer; returns whether it
    /// was.
    ///
    /// While it waits, no records are processed.
    fn poll_verified(
        &mut self,
        _: &mut InputBuffer,
        _: &mut Context<'_>,
    ) -> Poll<Result<bool, Failure>> {
        Poll::Ready(Ok(false))
    }

    // Input.

    /// Processes the first record of `input` if it is complete, and returns its length.
    fn accept(&mut self, input: &mut InputBuffer, wanted: usize) -> Result<Option<usize>, Failure>;

    /// As [`accept`](Self::accept), but makes one attempt to read from `source` if `input` holds no
    /// complete record.
    ///
    /// `wanted` is the amount of plaintext that the caller has room for. It limits how much is read
    /// ahead, together with what [`absorb`](Self::absorb) can process later.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::Transport`] is the error of the attempt. After a [`ReceiveError::Tls`] the
    /// connection has failed, and may have queued an alert.
    fn receive(
        &mut self,
        input: &mut InputBuffer,
        source: &mut dyn Read,
        wanted: usize,
    ) -> Result<Received, ReceiveError>;

    /// Moves records out of `input` for as long as the connection is sure to hold their plaintext.
    fn absorb(&mut self, input: &mut InputBuffer) -> Result<(), Failure>;

    /// Moves everything that the connection has decrypted or begun to decrypt out of `input`, and
    /// leaves the rest, before the connection is returned without `input`.
    fn take_begun(&mut self, _: &mut InputBuffer) {}

    /// What [`take_begun`](Self::take_begun) or [`stow`](Self::stow) has moved, if it is stored
    /// separately from the connection.
    fn take_stowed(&mut self) -> Option<InputBuffer> {
        None
    }

    /// Moves all of `input` into the connection, which is about to be returned.
    fn stow(&mut self, input: &mut InputBuffer);

    /// Returns decrypted bytes from the connection or `input`. Returns an empty slice after
    /// close_notify, `WouldBlock` if there are none yet, and another error once the connection was
    /// notified of a truncation.
    fn plaintext<'a>(&'a mut self, input: &'a mut InputBuffer) -> io::Result<&'a [u8]>;

    /// Drops the first `taken` bytes of [`plaintext`](Self::plaintext).
    fn consume(&mut self, input: &mut InputBuffer, taken: usize);

    /// Moves early data of the peer into `buf` and returns how much; `None` if none was accepted,
    /// or none yet.
    fn read_early(&mut self, _buf: &mut [u8]) -> Option<usize> {
        None
    }

    // Output.

    /// Encrypts plaintext and returns how much; 0 if the queue is full.
    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Encrypts plaintext as early data, as far as the handshake has room for it; returns how much.
    fn send_early(&mut self, data: &[u8]) -> io::Result<usize>;

    /// Sets how much ciphertext can be queued; `None` for any amount.
    fn limit_queue(&mut self, bytes: Option<usize>);

    /// Queues the responses that the connection delays until the next write.
    fn queue_responses(&mut self);

    /// Makes one attempt to write everything queued to `sink`.
    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize>;

    /// Queues close_notify, after which no plaintext may be sent.
    fn close(&mut self);
}

/// A connection whose two directions can be driven separately.
#[cfg(feature = "next")]
pub trait Divide: Engine + Sized {
    /// The receiving direction. Whatever it has to send is sent by the other one.
    type Receiver: Engine + Owes;
    /// The sending direction.
    type Sender: Engine;

    /// Splits the connection, or returns it while its handshake is in progress.
    fn divide(self) -> Result<(Self::Receiver, Self::Sender), Self>;

    /// Reunites the two directions.
    fn unite(receiver: Self::Receiver, sender: Self::Sender) -> Self;
}

/// The receiving direction of a connection.
#[cfg(feature = "next")]
pub trait Owes {
    /// Returns whether it has queued something in the sending direction since the last call: a
    /// response, or the alert of a failure.
    fn take_owes(&mut self) -> bool;
}
