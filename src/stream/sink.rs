//! How ciphertext is offered to the transport.

use std::io::{self, IoSlice, Write};

use crate::callback::Callback;

/// A sink that passes no more on than so many bytes, or one slice of several, and in one attempt.
pub(super) struct Bounded<'a, W> {
    pub(super) transport: &'a mut W,
    pub(super) most: usize,
    /// How many bytes were there to be passed on.
    pub(super) queued: &'a mut usize,
}

impl<W> Bounded<'_, W> {
    /// How many of the slices are passed on: the first one in any case.
    fn count(&self, bufs: &[IoSlice<'_>]) -> usize {
        let mut end = 0;
        let fitting = bufs.iter().take_while(|buf| {
            end += buf.len();
            end <= self.most
        });
        fitting.count().max(1)
    }
}

impl<W: Callback> Write for Bounded<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        *self.queued = buf.len();
        self.transport.write(&buf[..buf.len().min(self.most)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let queued = bufs.iter().map(|buf| buf.len()).sum();
        *self.queued = queued;
        let count = match queued <= self.most {
            true => bufs.len(),
            false => self.count(bufs),
        };
        match &bufs[..count] {
            // A kernel has less to do for a plain write than for a vectored one.
            [one] => self.transport.write(one),
            several if self.transport.has_write_vectored() => {
                self.transport.write_vectored(several)
            }
            // Still one attempt: a copy costs less than what is behind most transports.
            several => {
                let mut joined = Vec::with_capacity(queued.min(self.most));
                several.iter().for_each(|buf| joined.extend_from_slice(buf));
                self.transport.write(&joined)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport.flush()
    }
}
