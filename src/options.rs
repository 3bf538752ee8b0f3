//! What can be set about how a stream uses its transport.

use std::time::Duration;

use crate::engine::{LARGEST_PLAINTEXT, ReadAhead};

/// Buffering and record sizes of a `TlsStream`.
///
/// Given to a connector or an acceptor with `with_options`, or to a single
/// [`Handshake`](crate::stream::Handshake). Options trade latency against calls of the transport;
/// they never change which bytes are delivered. The defaults suit any protocol. For protocols that
/// flush whenever they have written what there is, as HTTP does, choose batched writes.
///
/// ```
/// use pollback::{Options, RecordSizing, TlsAcceptor};
/// use pollback::rustls::ServerConfig;
/// use std::sync::Arc;
///
/// # fn acceptor(config: Arc<ServerConfig>) -> TlsAcceptor {
/// let options = Options::new()
///     .with_batched_writes(true)
///     .with_record_sizing(RecordSizing::default());
/// TlsAcceptor::from(config).with_options(options)
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    read_ahead: Option<ReadAhead>,
    send_buffer_limit: Option<usize>,
    batched: Option<bool>,
    record_sizing: Option<Option<RecordSizing>>,
}

impl Options {
    /// The defaults: writes that are sent at once, a send buffer of 64 KiB for what the transport
    /// does not take, reads of up to 64 KiB, records as large as they can be.
    ///
    /// Each of them counts only where nothing else was set before: a handshake that is given options
    /// keeps what its connector or acceptor has set and these do not name.
    pub const fn new() -> Self {
        Self {
            read_ahead: None,
            send_buffer_limit: None,
            batched: None,
            record_sizing: None,
        }
    }

    /// These options, and those of `before` where these say nothing.
    pub(crate) fn or(self, before: Self) -> Self {
        Self {
            read_ahead: self.read_ahead.or(before.read_ahead),
            send_buffer_limit: self.send_buffer_limit.or(before.send_buffer_limit),
            batched: self.batched.or(before.batched),
            record_sizing: self.record_sizing.or(before.record_sizing),
        }
    }

    pub(crate) fn read_ahead(&self) -> ReadAhead {
        self.read_ahead.unwrap_or(ReadAhead::DEFAULT)
    }

    pub(crate) fn send_buffer_limit(&self) -> usize {
        self.send_buffer_limit.unwrap_or(Self::SEND_BUFFER_LIMIT)
    }

    pub(crate) fn is_batched(&self) -> bool {
        self.batched.unwrap_or(false)
    }

    pub(crate) fn record_sizing(&self) -> Option<RecordSizing> {
        self.record_sizing.flatten()
    }

    const SEND_BUFFER_LIMIT: usize = 64 * 1024;

    /// Asks the transport for `least` to `most` bytes of ciphertext at once: for `least` where
    /// little arrives, as with requests and responses, and for up to `most` in bulk.
    ///
    /// More in one read means fewer reads of the transport. Never more is read than the buffer of
    /// the read has room for and one record (18 KiB) besides, whatever `most` is. A stream holds
    /// memory for it only while there is ciphertext that the connection has not taken; each thread
    /// keeps one buffer of the size that was needed most. The defaults are 19 KiB, which is room
    /// for a whole record, and 64 KiB.
    ///
    /// Both are rounded up to whole KiB, `most` is raised to `least`, and both are lowered to
    /// 16 MiB.
    #[must_use]
    pub fn with_read_ahead(mut self, least: usize, most: usize) -> Self {
        let kib = |bytes: usize| bytes.div_ceil(1024).clamp(1, 16 * 1024) as u16;
        self.read_ahead = Some(ReadAhead {
            least: kib(least),
            most: kib(most.max(least)),
        });
        self
    }

    /// Makes writes wait for one another, so that a bulk transfer, or many small writes, take few
    /// records and few calls of the transport.
    ///
    /// What is written is passed to the transport by a flush, a shutdown, a read that has to wait,
    /// or a write that finds the [send buffer](Self::with_send_buffer_limit) full. It is lost when
    /// the stream is dropped without any of these: a program that writes and never flushes would
    /// have its peer wait for ever. By default each write is passed to the transport at once.
    #[must_use]
    pub const fn with_batched_writes(mut self, enabled: bool) -> Self {
        self.batched = Some(enabled);
        self
    }

    /// Sets how many bytes of plaintext the stream holds: with batched writes the size of a batch,
    /// otherwise what the transport has not taken. Further writes are pending.
    ///
    /// At least 16 KiB, by default 64 KiB. Without batches the connection applies the limit, to
    /// ciphertext. A limit below 64 KiB cuts large writes into several calls of the transport.
    #[must_use]
    pub const fn with_send_buffer_limit(mut self, bytes: usize) -> Self {
        self.send_buffer_limit = Some(match bytes < LARGEST_PLAINTEXT {
            true => LARGEST_PLAINTEXT,
            false => bytes,
        });
        self
    }

    /// How much ciphertext the connection may queue, where that is not left as it is.
    pub(crate) fn queue_limit(&self) -> Option<Option<usize>> {
        let limit = self.send_buffer_limit();
        if self.is_batched() {
            // The send buffer counts by itself.
            Some(None)
        } else if self.record_sizing().is_some() {
            // Ciphertext counts, and small records have more of it: 32 bytes each at the most.
            let overhead = limit / RecordSizing::SMALLEST * 32;
            Some(Some(limit.saturating_add(overhead)))
        } else if *self != Self::new() {
            Some(Some(limit))
        } else {
            None
        }
    }

    /// Makes records that start small and grow, so that a receiver on a slow link can use the first
    /// bytes before a whole 16 KiB record has arrived. By default records are as large as they can
    /// be, which costs least.
    #[must_use]
    pub fn with_record_sizing(mut self, sizing: impl Into<Option<RecordSizing>>) -> Self {
        self.record_sizing = Some(sizing.into());
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// How records grow with the flow of data, and when they fall back.
///
/// A record holds a quarter of what has been sent since the flow began, but at least the first
/// size and at most 16 KiB. So a receiver never waits for a record that is long beside what it has
/// got already, and after 64 KiB records are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSizing {
    pub(crate) first: usize,
    pub(crate) idle: Duration,
}

impl RecordSizing {
    const SMALLEST: usize = 64;

    /// Starts with records of `first` bytes of plaintext, and starts anew after nothing was sent
    /// for `idle`.
    ///
    /// `first` is raised to 64 bytes and lowered to 16 KiB.
    pub fn new(first: usize, idle: Duration) -> Self {
        Self {
            first: first.clamp(Self::SMALLEST, LARGEST_PLAINTEXT),
            idle,
        }
    }

    /// How much plaintext the next record may hold when `sent` bytes have been sent in this flow.
    pub(crate) fn size_after(&self, sent: usize) -> usize {
        (sent / 4).clamp(self.first, LARGEST_PLAINTEXT)
    }
}

impl Default for RecordSizing {
    /// Starts with 1,399 bytes, whose record fills a TCP segment of 1,428 bytes (IPv6 with
    /// timestamps, 1,500 bytes a packet) in TLS 1.2 and 1.3, and starts anew after a second, when
    /// TCP too has gone back to small flights.
    fn default() -> Self {
        Self::new(1399, Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_reading_ahead_are_brought_into_order() {
        let bounds = |least, most| {
            let bounds = Options::new().with_read_ahead(least, most).read_ahead();
            (bounds.least, bounds.most)
        };
        assert_eq!(bounds(0, 0), (1, 1));
        assert_eq!(bounds(9000, 5000), (9, 9));
        assert_eq!(bounds(4096, usize::MAX), (4, 16 * 1024));
    }

    #[test]
    fn records_grow_to_the_largest() {
        let sizing = RecordSizing::default();
        assert_eq!(sizing.size_after(0), 1399);
        assert_eq!(sizing.size_after(4 * 1399), 1399);
        assert_eq!(sizing.size_after(8000), 2000);
        assert_eq!(sizing.size_after(usize::MAX), LARGEST_PLAINTEXT);
    }

    #[test]
    fn the_first_size_has_bounds() {
        let first = |size| RecordSizing::new(size, Duration::ZERO).first;
        assert_eq!(first(0), 64);
        assert_eq!(first(usize::MAX), LARGEST_PLAINTEXT);
    }
}
