//! Passes ciphertext record by record to a connection that buffers it.
//!
//! Bytes passed to a connection cannot be taken back. So it receives nothing after a record that
//! may be a close_notify, since those bytes belong to the transport, and no record before it is
//! complete, so that the keys can be extracted between any two records.

use std::io::{self, Read};

use super::framing::{self, HEADER, Head};
use super::input::InputBuffer;
use super::placement::avoid_slow_copy;
use super::{Failure, LARGEST_PLAINTEXT, LARGEST_RECORD, ReceiveError};

/// The outcome of [`Engine::receive`](super::Engine::receive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A record of this many bytes was processed.
    Record(usize),
    /// This many bytes were read, and are not a complete record yet.
    Bytes(usize),
    /// The source has ended.
    End,
}

impl Received {
    /// The number of bytes.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Record(bytes) | Self::Bytes(bytes) => bytes,
            Self::End => 0,
        }
    }
}

/// The state of a connection after it has processed a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processed {
    /// The amount of plaintext it holds.
    pub(crate) plaintext: usize,
    /// Whether the peer has sent close_notify.
    pub(crate) is_closed: bool,
}

/// A connection that reads ciphertext into its own buffer.
pub(crate) trait Feed {
    /// Reads ciphertext, with at most one call of `source`.
    fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize>;

    /// Decrypts all complete records.
    fn process(&mut self) -> Result<Processed, Failure>;

    /// Whether records may be rejected early data, which the connection skips. It keeps them
    /// buffered, and counts all of them again each time it processes.
    fn may_skip_records(&self) -> bool;

    /// Queues an alert for a handshake message that is too large, for which rustls has none;
    /// returns whether it must be sent in the clear instead.
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
        let taken = accept_head(connection, input, length, wanted)?;
        return Ok(Received::Record(taken));
    }
    // rustls reports what is wrong with it.
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

/// Processes the first record, which has this length; returns how many bytes it took out of
/// `input`.
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
    // An empty connection shrinks its buffer, and grows it again for each large record. Passing it
    // the header of the next record as well avoids that, where that record is sure to be processed
    // in this poll: the caller still has room after this one.
    let follows = wanted > length
        && length > LEAST_BUFFER
        && matches!(input.behind(length), Head::Whole(next) if next > LEAST_BUFFER);
    let ahead = if follows { HEADER as u8 } else { 0 };
    let start = feed(connection, input, length, ahead)?;
    let plaintext = length.saturating_sub(RECORD_OVERHEAD + CONTENT_TYPE);
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

/// Passes bytes to a connection without knowing where records end, since it may have received a
/// partial record elsewhere.
///
/// After each byte the connection shows whether a record has ended that yields plaintext, or the
/// peer's close_notify. From then on record boundaries are known, and bytes after a close_notify
/// stay in `input`.
fn receive_unframed<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    source: &mut dyn Read,
    wanted: usize,
) -> Result<Received, ReceiveError> {
    if input.is_empty() {
        match input.fill(wanted, source) {
            Ok(0) => return Ok(Received::End),
            Ok(_) => {}
            Err(error) => return Err(ReceiveError::Transport(error)),
        }
    }
    input.note_message();
    if connection.may_skip_records() {
        return receive_skippable(connection, input, wanted);
    }
    // Most connections have received complete records, so first assume that a record begins here.
    // Bytes after the first place that disproves this may be the middle of a record, where any
    // bytes may look like a header.
    let mut is_aligned = true;
    let (before, mut taken) = (connection.process()?, 0);
    while taken < LARGEST_RECORD && !input.is_empty() {
        let steps = match input.likely_head() {
            Head::Whole(length) if is_aligned => [length - 1, 1],
            Head::Partial(Some(_)) if is_aligned => [input.filled().len(), 0],
            _ => {
                is_aligned = false;
                [0, 1]
            }
        };
        for (mut left, is_exact) in steps.into_iter().zip([false, true]) {
            while left > 0 {
                // Passed in one call: if this is not a single record, it may be many.
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

/// The same for a connection that counts what it skips again each time it processes, so that single
/// bytes would cost too much.
fn receive_skippable<C: Feed>(
    connection: &mut C,
    input: &mut InputBuffer,
    wanted: usize,
) -> Result<Received, ReceiveError> {
    let length = input.filled().len();
    if input.likely_head() == Head::Invalid {
        // The middle of a record: its end does not show.
        feed(connection, input, length, 0)?;
        connection.process()?;
        return Ok(Received::Record(length));
    }
    input.set_framed(true);
    let accepted = accept(connection, input, wanted)?;
    Ok(accepted.map_or(Received::Bytes(length), Received::Record))
}

/// Passes the first `length` bytes of `input` to the connection, and `ahead` bytes after them;
/// returns the address to which they were copied.
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
        // Reading from memory does not fail, so the connection has no room. It may be full of early
        // data that it skips, and have received the record that ends it: then processing makes
        // room.
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

/// The length of the complete records at the beginning that may be early data; at most what leaves
/// room for the next record.
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

/// The size to which a connection shrinks its buffer.
const LEAST_BUFFER: usize = 4096;

/// What the smallest header and tag add to the plaintext of a record (RFC 8446, section 5.2).
pub(super) const RECORD_OVERHEAD: usize = HEADER + 16;

/// The length of the content type in a TLS 1.3 record, which follows its plaintext.
pub(super) const CONTENT_TYPE: usize = 1;

/// [`Engine::stow`](super::Engine::stow).
pub(crate) fn stow<C: Feed>(connection: &mut C, input: &mut InputBuffer) {
    // A connection that has failed or was closed by the peer accepts nothing more.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection without encryption, whose alerts are all close_notify.
    #[derive(Default)]
    struct Plain {
        received: Vec<u8>,
        state: (usize, bool),
    }

    impl Feed for Plain {
        fn read_tls(&mut self, source: &mut dyn Read) -> io::Result<usize> {
            let mut bytes = [0; 4096];
            let taken = source.read(&mut bytes)?;
            self.received.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn process(&mut self) -> Result<Processed, Failure> {
            while let Head::Whole(length) = framing::head(&self.received) {
                let record: Vec<u8> = self.received.drain(..length).collect();
                match framing::is_application_data(&record) {
                    true => self.state.0 += length - HEADER,
                    false => self.state.1 = true,
                }
            }
            Ok(Processed {
                plaintext: self.state.0,
                is_closed: self.state.1,
            })
        }

        fn may_skip_records(&self) -> bool {
            false
        }

        fn refuse_message(&mut self) -> bool {
            false
        }
    }

    #[test]
    fn a_false_header_in_the_middle_of_a_record_does_not_consume_bytes_after_a_close_notify() {
        for likeness in [[23, 3, 3, 0, 90], [23, 3, 3, 0x20, 0]] {
            let mut wire = vec![23, 3, 3, 0, 60];
            wire.extend(likeness.repeat(12));
            wire.extend(*b"\x15\x03\x03\x00\x02\x01\x00");
            // So much that the record that the likeness promises is there, or is not.
            let after = b"220 hello".repeat(12);
            wire.extend(&after);
            // Every fifth byte begins something that looks like a header, and is mistaken for one.
            for given in (0..HEADER + 60).filter(|given| *given == 0 || given % HEADER > 0) {
                let mut connection = Plain::default();
                let _ = connection.read_tls(&mut &wire[..given]);
                let mut input = InputBuffer::unframed();
                input.append(&wire[given..]);
                let receive = |connection: &mut Plain, input: &mut InputBuffer| {
                    let received = receive(connection, input, &mut io::empty(), 4096);
                    assert!(matches!(received, Ok(Received::Record(_))), "{received:?}");
                };
                receive(&mut connection, &mut input);
                // The end of the record shows, and with it where the next one begins.
                assert_eq!(
                    connection.state,
                    (60, false),
                    "after {given} bytes elsewhere"
                );
                assert!(input.is_framed() && input.has_record());
                receive(&mut connection, &mut input);
                assert_eq!(connection.state, (60, true));
                assert_eq!(input.filled(), after, "after {given} bytes elsewhere");
            }
        }
    }
}
