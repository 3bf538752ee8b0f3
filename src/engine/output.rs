//! Outgoing ciphertext of connections without buffers of their own. Records are appended to it.

use std::cell::Cell;
use std::io::{self, Write};

thread_local! {
    /// A connection holds a buffer only while there is ciphertext in it; in between, each thread
    /// keeps the largest one here.
    static SPARE: Cell<Option<Box<Pending>>> = const { Cell::new(None) };
}

/// The largest buffer that a thread keeps: a full send buffer, with records of any size.
const LARGEST_SPARE: usize = 256 * 1024;

/// Ciphertext that is not transmitted yet. Small while it is empty, as in idle connections.
#[derive(Default)]
pub(super) struct OutputBuffer(Option<Box<Pending>>);

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    /// How many of its bytes were transmitted.
    sent: usize,
}

impl Pending {
    #[inline]
    fn rest(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }
}

impl OutputBuffer {
    /// The amount of ciphertext that is not transmitted.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |pending| pending.rest().len())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vector to which records are appended.
    #[inline]
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        let pending = self.0.get_or_insert_with(|| {
            // Not available while the thread exits.
            SPARE
                .try_with(Cell::take)
                .ok()
                .flatten()
                .unwrap_or_default()
        });
        if pending.sent > pending.bytes.len() / 2 {
            // Over a transport that never accepts all of it, the vector would grow without bound.
            pending.bytes.drain(..pending.sent);
            pending.sent = 0;
        }
        &mut pending.bytes
    }

    /// Makes one attempt to write all of it to `sink`.
    #[inline]
    pub(super) fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let rest = self.0.as_ref().map_or(&[][..], |pending| pending.rest());
        let taken = sink.write(rest)?;
        if let Some(pending) = &mut self.0 {
            pending.sent += taken;
        }
        self.release();
        Ok(taken)
    }

    /// Removes the ciphertext that is not transmitted.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let Some(pending) = &mut self.0 else {
            return Vec::new();
        };
        let rest = pending.bytes.split_off(pending.sent);
        self.0 = None;
        rest
    }

    /// Releases the buffer if it is empty.
    #[inline]
    pub(super) fn release(&mut self) {
        let Some(mut pending) = self.0.take_if(|pending| pending.rest().is_empty()) else {
            return;
        };
        pending.sent = 0;
        pending.bytes.clear();
        if pending.bytes.capacity() <= LARGEST_SPARE {
            let _ = SPARE.try_with(|spare| {
                let other = spare.take();
                let larger =
                    other.filter(|other| other.bytes.capacity() > pending.bytes.capacity());
                spare.set(Some(larger.unwrap_or(pending)));
            });
        }
    }
}
