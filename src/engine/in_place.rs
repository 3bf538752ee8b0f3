//! Decrypts records in place, in the input buffer, for connections without buffers of their own.

use std::io::{self, Read};
use std::mem;

use rustls_next::TlsInputBuffer;

use super::framing::Head;
use super::{Failure, InputBuffer, LARGEST_PLAINTEXT, LARGEST_RECORD, ReceiveError, Received};

/// The part of an [`InputBuffer`] that a connection sees: the bytes it has kept there, and one more
/// record.
///
/// Nothing after that record is included, so that a close_notify consumes only its own bytes.
pub(super) struct Window<'a>(pub(super) &'a mut InputBuffer);

impl TlsInputBuffer for Window<'_> {
    #[inline]
    fn slice_mut(&mut self) -> &mut [u8] {
        let (start, kept) = (self.0.start as usize, self.0.kept as usize);
        match &mut self.0.buffer {
            Some(buffer) => &mut buffer[start - kept..start],
            None => &mut [],
        }
    }

    /// The bytes are not moved, since there is plaintext among them.
    #[inline]
    fn discard(&mut self, count: usize) {
        self.0.kept -= count as u32;
    }

    fn received_close_notify(&mut self) {}

    fn has_seen_eof(&self) -> bool {
        false
    }
}

/// The address and length of plaintext, for use after the borrow of its slice has ended.
pub(super) type Found = (usize, usize);

pub(super) fn found(plaintext: &[u8]) -> Found {
    (plaintext.as_ptr() as usize, plaintext.len())
}

impl InputBuffer {
    /// Makes the first `length` bytes visible to the connection, which may keep them here.
    #[inline]
    pub(super) fn give(&mut self, length: usize) {
        self.note_size(length);
        self.start += length as u32;
        self.kept += length as u32;
    }

    /// Records that the connection has decrypted plaintext in this buffer, and joins it to the
    /// unread plaintext.
    pub(super) fn add_plaintext(&mut self, (address, length): Found) {
        let Some(buffer) = &mut self.buffer else {
            return;
        };
        let from = address - buffer.as_ptr() as usize;
        let to = from + length;
        self.plaintext = match self.plaintext {
            (first, last) if first < last => {
                buffer.copy_within(from..to, last as usize);
                (first, last + length as u32)
            }
            _ => (from as u32, to as u32),
        };
    }

    /// For a connection that receives nothing.
    pub(crate) fn ended() -> Self {
        let mut input = Self::default();
        input.end();
        input
    }

    /// Inserts bytes before those that the connection has not received. Nothing may be kept or
    /// decrypted.
    pub(crate) fn put_back(&mut self, bytes: &[u8]) {
        let joined = [bytes, self.filled()].concat();
        (self.start, self.end) = (0, joined.len() as u32);
        self.buffer = Some(joined.into());
    }

    /// The decrypted plaintext that is unread.
    #[inline]
    pub(super) fn plaintext(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => &buffer[self.plaintext.0 as usize..self.plaintext.1 as usize],
            None => &[],
        }
    }

    /// Drops the first `taken` bytes of the plaintext.
    #[inline]
    pub(super) fn consume(&mut self, taken: usize) {
        assert!(
            taken <= self.plaintext().len(),
            "more was consumed than there is"
        );
        self.plaintext.0 += taken as u32;
        self.release();
    }

    /// Removes everything that is decrypted or kept, and leaves the bytes that the connection has
    /// not received.
    pub(super) fn split_off_begun(&mut self) -> Self {
        let unread = Self::holding(self.filled());
        let mut begun = mem::replace(self, unread);
        begun.end = begun.start;
        begun
    }
}

/// A connection that decrypts records in the buffer of its caller.
pub(crate) trait Decrypt {
    /// Processes the visible bytes of `input`.
    fn decrypt(&mut self, input: &mut InputBuffer) -> Result<(), Failure>;

    /// Whether the peer has sent close_notify.
    fn has_closed(&self) -> bool;

    /// Queues an alert for a handshake message that is too large, for which rustls has none;
    /// returns whether it must be sent in the clear instead.
    fn refuse_message(&mut self) -> bool;
}

/// The limit on the size of a partial handshake message, which rustls leaves to its caller. A peer
/// can send each byte of a message in a padded record of its own.
const LARGEST_KEPT: u32 = 256 * 1024;

/// [`Engine::receive`](super::Engine::receive).
#[inline]
pub(crate) fn receive<D: Decrypt>(
    connection: &mut D,
    input: &mut InputBuffer,
    source: &mut dyn Read,
    wanted: usize,
) -> Result<Received, ReceiveError> {
    if let Some(length) = accept(connection, input)? {
        return Ok(Received::Record(length));
    }
    match input.fill(wanted, source) {
        Ok(0) => Ok(Received::End),
        Ok(stored) => Ok(match accept(connection, input)? {
            Some(length) => Received::Record(length),
            None => Received::Bytes(stored),
        }),
        Err(error) => Err(ReceiveError::Transport(error)),
    }
}

/// [`Engine::accept`](super::Engine::accept).
#[inline]
pub(crate) fn accept<D: Decrypt>(
    connection: &mut D,
    input: &mut InputBuffer,
) -> Result<Option<usize>, Failure> {
    let length = match input.head() {
        Head::Whole(length) if input.is_framed() => length,
        Head::Partial(_) if input.is_framed() => return Ok(None),
        // rustls reports what is wrong with it.
        _ => {
            input.set_framed(false);
            input.filled().len()
        }
    };
    if length == 0 {
        return Ok(None);
    }
    let before = input.plaintext().len();
    input.give(length);
    connection.decrypt(input)?;
    if input.kept > LARGEST_KEPT {
        return Err(Failure::too_large(connection.refuse_message()));
    }
    if input.plaintext().len() == before {
        input.note_message();
        input.release();
    }
    Ok(Some(length))
}

/// [`Engine::absorb`](super::Engine::absorb).
pub(crate) fn absorb<D: Decrypt>(
    connection: &mut D,
    input: &mut InputBuffer,
) -> Result<(), Failure> {
    while let Head::Whole(length) = input.head() {
        let is_full = input.plaintext().len() + length > LARGEST_PLAINTEXT + LARGEST_OVERHEAD;
        if is_full || connection.has_closed() || !input.is_framed() {
            break;
        }
        accept(connection, input)?;
    }
    Ok(())
}

/// [`Engine::plaintext`](super::Engine::plaintext).
#[inline]
pub(crate) fn plaintext<'a, D: Decrypt>(
    connection: &D,
    input: &'a InputBuffer,
) -> io::Result<&'a [u8]> {
    match input.plaintext() {
        [] if !connection.has_closed() => Err(io::ErrorKind::WouldBlock.into()),
        some_or_end => Ok(some_or_end),
    }
}

/// What the largest header and tag add to the plaintext of a record (RFC 5246, section 6.2.3).
const LARGEST_OVERHEAD: usize = LARGEST_RECORD - LARGEST_PLAINTEXT;
