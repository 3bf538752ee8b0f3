//! Passes ciphertext to the transport.

use std::io::{self, IoSlice, Write};

use crate::callback::Callback;

/// A sink that passes on at most `most` bytes, or one slice of several, in one attempt.
pub(super) struct Bounded<'a, W> {
    pub(super) transport: &'a mut W,
    pub(super) most: usize,
    pub(super) shown: &'a mut Shown,
}

/// The queued ciphertext that a connection passes to a write.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    pub(super) bytes: usize,
    /// Slices, each of which is a record or what is left of one.
    pub(super) records: usize,
}

impl<W> Bounded<'_, W> {
    /// The number of slices to pass on, at least one.
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
        *self.shown = Shown {
            bytes: buf.len(),
            records: 1,
        };
        self.transport.write(&buf[..buf.len().min(self.most)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let queued = bufs.iter().map(|buf| buf.len()).sum();
        *self.shown = Shown {
            bytes: queued,
            records: bufs.len(),
        };
        let count = match queued <= self.most {
            true => bufs.len(),
            false => self.count(bufs),
        };
        match &bufs[..count] {
            // A plain write costs a kernel less than a vectored one.
            [one] => self.transport.write(one),
            several if self.transport.has_write_vectored() => {
                self.transport.write_vectored(several)
            }
            // Joined, to make one attempt: the copy is cheaper than another call of most
            // transports.
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
