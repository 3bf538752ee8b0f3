//! Ciphertext on its way out, for connections that leave the buffers to their caller: records are
//! made in it, one behind another.

use std::cell::Cell;
use std::io::{self, Write};

thread_local! {
    /// A connection holds a buffer only while there is ciphertext in it; in between, one a thread
    /// lies here: the largest that there was.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The largest buffer that a thread keeps: a full send buffer, with records of any size.
const LARGEST_SPARE: usize = 256 * 1024;

/// Ciphertext that waits for the transport.
#[derive(Default)]
pub(super) struct OutputBuffer {
    bytes: Vec<u8>,
    /// How much of it is with the transport.
    sent: usize,
}

impl OutputBuffer {
    /// How much ciphertext waits.
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
            // At the end of a thread there is none any more.
            self.bytes = SPARE.try_with(Cell::take).unwrap_or_default();
        } else if self.sent > self.bytes.len() / 2 {
            // Behind a transport that never takes all of it, it would grow without end.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        &mut self.bytes
    }

    /// Makes one attempt at `sink`, with all of it.
    #[inline]
    pub(super) fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let taken = sink.write(&self.bytes[self.sent..])?;
        self.sent += taken;
        self.release();
        Ok(taken)
    }

    /// Takes out the ciphertext that waits.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.sent);
        self.bytes.clear();
        self.sent = 0;
        rest
    }

    /// Gives the buffer back when nothing is in it.
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
