//! TLS connections without I/O, behind one private trait. Knows rustls and std's I/O traits, and
//! nothing of tokio, so it is tested and fuzzed without a runtime.
//!
//! - `rustls.rs`: connections of rustls 0.23, both sides in one implementation
//! - `next.rs`: connections of rustls 0.24, in one implementation too
//! - `next_facts.rs`: what a program asks of them
//! - `directions.rs`: their two directions, each by itself
//! - `next_sides.rs`: what sets their two sides apart
//! - `next_handshake.rs`: their handshake
//! - `next_verify.rs`: the same, where it stops for the verification of the peer
//! - `next_early.rs`: early data that a server has accepted
//! - `next_hello.rs`: a ClientHello of rustls 0.24, before there is a connection
//! - `in_place.rs`, `output.rs`: the buffers that rustls 0.24 leaves to its caller
//! - `feed.rs`: how ciphertext goes into a connection that buffers it, record by record
//! - `input.rs`: ciphertext that was read from the transport ahead of the connection
//! - `read_ahead.rs`, `spare.rs`: how much of it there is, and where
//! - `framing.rs`: where the records of a TLS stream end
//! - `failure.rs`: why a connection has failed, or did not receive
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
pub(crate) use self::feed::Received;
#[cfg(feature = "ffi")]
pub(crate) use self::feed::{Feed, Processed};
pub(crate) use self::hello::{AcceptHello, accept};
pub(crate) use self::input::InputBuffer;
pub(crate) use self::read_ahead::ReadAhead;

const KIB: usize = 1024;

/// The most plaintext that a record holds (RFC 8446, section 5.1).
pub(crate) const LARGEST_PLAINTEXT: usize = 16 * 1024;

/// The most ciphertext of a record with its header (RFC 5246, section 6.2.3).
pub(crate) const LARGEST_RECORD: usize = LARGEST_PLAINTEXT + 2048 + 5;

/// A TLS connection that turns plaintext into ciphertext and back.
///
/// The shape is that of the rustls C API, since that fits every rustls. Nothing here waits: `source`
/// and `sink` are attempts, whose errors are passed through as the objects they are.
///
/// The order of calls: [`plaintext`](Self::plaintext) until it has none, then
/// [`receive`](Self::receive); [`send`](Self::send), then [`transmit`](Self::transmit) for as long
/// as [`wants_write`](Self::wants_write). After a failure of TLS only what is owed to the peer is
/// still transmitted: the caller keeps the failure and does not ask again.
pub trait Engine {
    /// The most plaintext that a record of this engine holds.
    const FULL_RECORD: usize = LARGEST_PLAINTEXT;

    // Queries.

    /// Whether the handshake still has to complete before plaintext can pass both ways.
    fn is_handshaking(&self) -> bool;

    /// Whether the peer cannot complete its handshake without what is to be transmitted.
    fn is_awaited(&self) -> bool;

    /// Whether there is ciphertext to transmit.
    fn wants_write(&self) -> bool;

    /// Whether the peer took the early data, once the handshake is over.
    fn is_early_data_accepted(&self) -> bool;

    /// Ready once the handshake does not stop for the verification of the peer, with whether it did.
    ///
    /// While it stops, it takes in no records.
    fn poll_verified(
        &mut self,
        _: &mut InputBuffer,
        _: &mut Context<'_>,
    ) -> Poll<Result<bool, Failure>> {
        Poll::Ready(Ok(false))
    }

    // Input.

    /// Takes in the record at the head of `input`, if it is whole, and returns its length.
    fn accept(&mut self, input: &mut InputBuffer, wanted: usize) -> Result<Option<usize>, Failure>;

    /// Does as [`accept`](Self::accept), or makes one attempt at `source` if `input` holds no whole
    /// record.
    ///
    /// `wanted` is how much plaintext the caller has room for; together with what
    /// [`absorb`](Self::absorb) can take later on it bounds how much is read ahead.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::Transport`] is the outcome of the attempt. After a [`ReceiveError::Tls`] the
    /// connection has failed, and an alert may be waiting to be transmitted.
    fn receive(
        &mut self,
        input: &mut InputBuffer,
        source: &mut dyn Read,
        wanted: usize,
    ) -> Result<Received, ReceiveError>;

    /// Moves records out of `input` for as long as the connection is sure to hold their plaintext.
    fn absorb(&mut self, input: &mut InputBuffer) -> Result<(), Failure>;

    /// Moves what the connection has decrypted or begun to decrypt out of `input`, and leaves the
    /// rest: the connection is about to be given away without it.
    fn take_begun(&mut self, _: &mut InputBuffer) {}

    /// What [`take_begun`](Self::take_begun) or [`stow`](Self::stow) has moved, if it is apart from
    /// what the connection itself holds.
    fn take_stowed(&mut self) -> Option<InputBuffer> {
        None
    }

    /// Moves all of `input` into the connection, which is about to be given away.
    fn stow(&mut self, input: &mut InputBuffer);

    /// Decrypted bytes, which lie in the connection or in `input`: some, none for ever after
    /// close_notify (an empty slice), none yet (`WouldBlock`), or none for ever since the connection
    /// was told of a truncation.
    fn plaintext<'a>(&'a mut self, input: &'a mut InputBuffer) -> io::Result<&'a [u8]>;

    /// Drops the first `taken` bytes of [`plaintext`](Self::plaintext).
    fn consume(&mut self, input: &mut InputBuffer, taken: usize);

    /// Moves early data of the peer into `buf` and returns how much; `None` if none was accepted,
    /// or none is accepted yet.
    fn read_early(&mut self, _buf: &mut [u8]) -> Option<usize> {
        None
    }

    // Output.

    /// Encrypts plaintext; returns how much of it, which is 0 when no more can be queued.
    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Encrypts plaintext as early data, as far as the handshake has room for it.
    fn send_early(&mut self, data: &[u8]) -> io::Result<usize>;

    /// Sets how much ciphertext can be queued; `None` for any amount.
    fn limit_queue(&mut self, bytes: Option<usize>);

    /// Queues what the peer asked for and the connection held back until something would be sent.
    fn queue_responses(&mut self);

    /// Transmits ciphertext: one attempt at `sink`, with everything that is queued.
    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize>;

    /// Queues close_notify, after which no plaintext may be sent.
    fn close(&mut self);
}

/// A connection whose two directions can be driven by themselves.
#[cfg(feature = "next")]
pub trait Divide: Engine + Sized {
    /// The direction from the peer. Whatever it has to send is with the other one.
    type Receiver: Engine + Owes;
    /// The direction to the peer.
    type Sender: Engine;

    /// Both directions, or the connection again while its handshake goes on.
    fn divide(self) -> Result<(Self::Receiver, Self::Sender), Self>;

    /// The connection that they belong to.
    fn unite(receiver: Self::Receiver, sender: Self::Sender) -> Self;
}

/// The direction from the peer.
#[cfg(feature = "next")]
pub trait Owes {
    /// Whether the other direction has got something to send since this was last asked: a response,
    /// or the alert of a failure.
    fn take_owes(&mut self) -> bool;
}
