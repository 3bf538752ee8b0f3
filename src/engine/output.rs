//! Outgoing ciphertext of connections without buffers of their own. Records are made in it, one
//! after another.

use std::cell::Cell;
use std::io::{self, Write};

thread_local! {
    /// A connection holds a buffer only while there is ciphertext in it. In between, each thread
    /// keeps the largest one here.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The largest buffer that a thread keeps: a full send buffer, with records of any size.
const LARGEST_SPARE: usize = 256 * 1024;

/// Ciphertext that is not transmitted yet.
#[derive(Default)]
pub(super) struct OutputBuffer {
    bytes: Vec<u8>,
    /// How much of it was transmitted.
    sent: usize,
}

impl OutputBuffer {
    /// The amount of ciphertext that is not transmitted.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where records are appended.
    #[inline]
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            // Not available while the thread exits.
            self.bytes = SPARE.try_with(Cell::take).unwrap_or_default();
        } else if self.sent > self.bytes.len() / 2 {
            // If the transport never accepts all of it, it would grow without bound.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        &mut self.bytes
    }

    /// Makes one attempt to write all of it to `sink`.
    #[inline]
    pub(super) fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let taken = sink.write(&self.bytes[self.sent..])?;
        self.sent += taken;
        self.release();
        Ok(taken)
    }

    /// Removes the ciphertext that is not transmitted.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.sent);
        self.bytes.clear();
        self.sent = 0;
        rest
    }

    /// Releases the buffer if it is empty.
    #[inline]
    pub(super) fn release(&mut self) {
        if !self.is_empty() {
            return;
        }
        self.sent = 0;
        let mut buffer = std::mem::take(&mut self.bytes);
        buffer.clear();
        if buffer.capacity() <= LARGEST_SPARE {
            let _ = SPARE.try_with(|spare| {
                let other = spare.take();
                spare.set(match other.capacity() > buffer.capacity() {
                    true => other,
                    false => buffer,
                });
            });
        }
    }
}
