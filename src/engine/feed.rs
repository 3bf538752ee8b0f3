//! How ciphertext goes into a connection that buffers it: record by record.
//!
//! A connection that was given bytes does not give them back. So it gets nothing behind a record
//! that may be a close_notify, since those bytes are the transport's own, and no part of a record
//! before the rest is there, so that the keys can be handed over between any two records.

use std::io::{self, Read};

use super::framing::{self, HEADER, Head};
use super::input::InputBuffer;
use super::placement::avoid_slow_copy;
use super::{Failure, LARGEST_PLAINTEXT, LARGEST_RECORD, ReceiveError};

/// What [`Engine::receive`](super::Engine::receive) has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A record of so many bytes was taken in.
    Record(usize),
    /// So many bytes came from the source, and are no whole record yet.
    Bytes(usize),
    /// The source has ended.
    End,
}

impl Received {
    /// How many bytes it was.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Record(bytes) | Self::Bytes(bytes) => bytes,
            Self::End => 0,
        }
    }
}

/// What a connection says of itself after it has processed a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processed {
    /// How much plaintext it holds.
    pub(crate) plaintext: usize,
    /// Whether the peer has sent close_notify.
    pub(crate) is_closed: bool,
}

/// A connection that takes ciphertext into a buffer of its own.
pub(crate) trait Feed {
    /// Takes ciphertext in, with one or no call of `source`.
    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize>;

    /// Decrypts what is whole.
    fn process(&mut self) -> Result<Processed, Failure>;

    /// Whether records may be early data that the connection passes over. It remembers them, and
    /// counts all of them anew each time that it processes.
    fn may_skip_records(&self) -> bool;

    /// Queues an alert for a handshake message that is too large, for which the connection has none;
    /// returns whether one can and has to be sent in the clear instead.
    fn refuse_message(&mut self) -> bool;
}

/// [`Engine::receive`](super::Engine::receive).
#[inline]
pub(crate) fn receive<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    source: &mut dyn Read,
    wanted: usize,
) -> Result<Received, ReceiveError> {
    if !input.is_framed() {
        return receive_unframed(connection, input, source, wanted);
    }
    let mut head = input.head();
    if let Head::Partial(_) = head {
        match input.fill(wanted, source) {
            Ok(0) => return Ok(Received::End),
            Ok(stored) => {
                head = input.head();
                if let Head::Partial(_) = head {
                    return Ok(Received::Bytes(stored));
                }
            }
            Err(error) => {
                if input.take_heavy() {
                    release(connection);
                }
                return Err(ReceiveError::Transport(error));
            }
        }
    }
    if let Head::Whole(length) = head {
        accept_head(connection, input, length, wanted)?;
        return Ok(Received::Record(length));
    }
    // rustls knows what is wrong with it.
    input.set_framed(false);
    receive_unframed(connection, input, source, wanted)
}

/// [`Engine::accept`](super::Engine::accept).
#[inline]
pub(crate) fn accept<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    wanted: usize,
) -> Result<Option<usize>, Failure> {
    match input.head() {
        Head::Whole(length) if input.is_framed() => {
            accept_head(connection, input, length, wanted).map(Some)
        }
        _ => Ok(None),
    }
}

/// Takes in the record at the head, which has this length, and gives what it took out of `input`.
#[inline]
fn accept_head<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    length: usize,
    wanted: usize,
) -> Result<usize, Failure> {
    let length = match connection.may_skip_records() {
        true => skippable(input).unwrap_or(length),
        false => length,
    };
    // A connection that holds nothing reduces its buffer, and extends it anew for each large record.
    // So it gets the header of the next one too, where that is sure to follow in this very poll:
    // the caller still has room when this record is done.
    let follows = wanted > length
        && length > LEAST_BUFFER
        && matches!(input.behind(length), Head::Whole(next) if next > LEAST_BUFFER);
    let ahead = if follows { HEADER as u8 } else { 0 };
    let start = feed(connection, input, length, ahead)?;
    let plaintext = length.saturating_sub(RECORD_OVERHEAD + 1);
    let avoided = avoid_slow_copy(start + HEADER, 0, plaintext);
    let state = connection.process()?;
    drop(avoided);
    if state.is_closed {
        input.forget_ahead();
    }
    if state.plaintext == 0 {
        input.note_message();
    }
    Ok(length)
}

/// Gives bytes to the connection of which nobody knows where records end, since it may have been given
/// a part of a record elsewhere.
///
/// The end of the first record that brings plaintext, or of the peer's close_notify, is where the
/// connection says so after one byte more. From there records are told apart, and what follows a
/// close_notify stays here.
fn receive_unframed<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    source: &mut dyn Read,
    wanted: usize,
) -> Result<Received, ReceiveError> {
    if connection.may_skip_records() {
        return receive_as_it_comes(connection, input, source);
    }
    if input.is_empty() {
        match input.fill(wanted, source) {
            Ok(0) => return Ok(Received::End),
            Ok(_) => {}
            Err(error) => return Err(ReceiveError::Transport(error)),
        }
    }
    input.note_message();
    let (before, mut taken) = (connection.process()?, 0);
    while taken < LARGEST_RECORD && !input.is_empty() {
        // Most connections have been given whole records, so this is what a record looks like.
        let steps = match input.head() {
            Head::Whole(length) => [length - 1, 1],
            Head::Partial(Some(_)) => [input.filled().len(), 0],
            _ => [0, 1],
        };
        for (mut left, is_exact) in steps.into_iter().zip([false, true]) {
            while left > 0 {
                // In one call, since these may be many records where they are no single one.
                let Ok(fed @ 1..) = connection.read_tls(&mut input.first(left, 0)) else {
                    return Err(too_large(connection).into());
                };
                (left, taken) = (left - fed, taken + fed);
                let state = connection.process()?;
                if state.is_closed || state.plaintext > before.plaintext {
                    if is_exact {
                        input.set_framed(true);
                    }
                    return Ok(Received::Record(taken));
                }
            }
        }
    }
    Ok(Received::Record(taken))
}

/// Gives bytes to the connection with as few calls as can be.
fn receive_as_it_comes<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    source: &mut dyn Read,
) -> Result<Received, ReceiveError> {
    if input.has_ended() {
        return Ok(Received::End);
    }
    let mut attempted = false;
    let taken = match input.filled().len() {
        0 => connection.read_tls(&mut Attempted(source, &mut attempted)),
        length => connection.read_tls(&mut input.first(length, 0)),
    };
    match taken {
        Ok(0) => {
            input.end();
            Ok(Received::End)
        }
        Ok(taken) => {
            input.note_message();
            connection.process()?;
            Ok(Received::Record(taken))
        }
        Err(error) if attempted => Err(ReceiveError::Transport(error)),
        Err(_) => Err(too_large(connection).into()),
    }
}

/// Gives the first `length` bytes of `input` to the connection, and `ahead` bytes behind them; returns
/// the address to which it has copied them.
#[inline]
fn feed<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    length: usize,
    ahead: u8,
) -> Result<usize, Failure> {
    let mut record = input.first(length, ahead);
    while !record.is_empty() {
        if matches!(connection.read_tls(&mut record), Ok(1..)) {
            continue;
        }
        // Memory does not fail, so this is the connection, which has no room for more: unless it is
        // full of early data that it passes over, and has been given the record that ends it.
        connection.process()?;
        if !matches!(connection.read_tls(&mut record), Ok(1..)) {
            return Err(too_large(connection));
        }
    }
    Ok(record.target)
}

fn too_large<C: Feed>(connection: &mut C) -> Failure {
    Failure::too_large(connection.refuse_message())
}

/// How many of the first bytes are whole records of early data, if that is what they are; no more
/// than what is sure to leave room for the next record.
fn skippable(input: &InputBuffer) -> Option<usize> {
    let bytes = input.filled();
    let mut length = 0;
    loop {
        let rest = &bytes[length..];
        match framing::head(rest) {
            Head::Whole(record)
                if framing::is_application_data(rest) && length + record <= LARGEST_PLAINTEXT =>
            {
                length += record;
            }
            _ => return (length > 0).then_some(length),
        }
    }
}

/// [`Engine::absorb`](super::Engine::absorb).
///
/// A connection takes no more ciphertext once it holds more than [`LARGEST_PLAINTEXT`].
pub(crate) fn absorb<C: Feed>(connection: &mut C, input: &mut InputBuffer) -> Result<(), Failure> {
    if !input.is_framed() || !input.has_record() {
        return Ok(());
    }
    let mut state = connection.process()?;
    while let Head::Whole(length) = input.head() {
        if state.is_closed || state.plaintext + length > LARGEST_PLAINTEXT + RECORD_OVERHEAD {
            break;
        }
        feed(connection, input, length, 0)?;
        let before = state.plaintext;
        state = connection.process()?;
        if state.plaintext == before {
            input.note_message();
        }
    }
    Ok(())
}

/// What the buffer of a connection is reduced to.
const LEAST_BUFFER: usize = 4096;

/// What the smallest header and tag add to the plaintext of a record (RFC 8446, section 5.2).
const RECORD_OVERHEAD: usize = HEADER + 16;

/// [`Engine::stow`](super::Engine::stow).
pub(crate) fn stow<C: Feed>(connection: &mut C, input: &mut InputBuffer) {
    // A connection that has failed, or that the peer has closed, takes nothing more.
    if absorb(connection, input).is_err() || input.is_empty() {
        return;
    }
    let mut rest = input.first(input.filled().len(), 0);
    while !rest.is_empty() && matches!(connection.read_tls(&mut rest), Ok(1..)) {}
    let _ = connection.process();
}

/// Makes the connection release the buffer that the last records needed.
fn release<C: Feed>(connection: &mut C) {
    struct Nothing;

    impl Read for Nothing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    let _ = connection.read_tls(&mut Nothing);
}

/// A source that notes whether it was asked.
struct Attempted<'a>(&'a mut dyn Read, &'a mut bool);

impl Read for Attempted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        *self.1 = true;
        self.0.read(buf)
    }
}
