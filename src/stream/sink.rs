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

impl<W: Callback> Write for Bounded<'_, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        *self.queued = buf.len();
        self.transport.write(&buf[..buf.len().min(self.most)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut end = 0;
        let mut count = 0;
        for buf in bufs {
            end += buf.len();
            count += usize::from(count == 0 || end <= self.most);
        }
        *self.queued = end;
        match &bufs[..count] {
            // A kernel has less to do for a plain write than for a vectored one.
            [one] => self.transport.write(one),
            several if self.transport.has_write_vectored() => {
                self.transport.write_vectored(several)
            }
            // Still one attempt: a copy costs less than what is behind most transports.
            several => {
                let mut joined = Vec::with_capacity(end.min(self.most));
                several.iter().for_each(|buf| joined.extend_from_slice(buf));
                self.transport.write(&joined)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.transport.flush()
    }
}
