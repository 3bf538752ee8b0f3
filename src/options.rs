//! Settings of how a stream uses its transport.

use std::time::Duration;

use crate::engine::{LARGEST_OVERHEAD, LARGEST_PLAINTEXT, ReadAhead};

/// Buffering and record sizes of a `TlsStream`.
///
/// Passed with `with_options` to a connector, an acceptor, the `SharedConfig` of a listener or a single
/// [`Handshake`](crate::stream::Handshake). Options trade latency against calls of the transport;
/// they never change which bytes are delivered. The defaults suit any protocol. Programs that flush
/// whenever they have written a message, such as HTTP servers, can choose batched writes.
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
    /// Returns the defaults: writes are sent at once, up to 64 KiB are buffered while the transport
    /// is not ready, reads take up to 64 KiB, and records are as large as possible.
    pub const fn new() -> Self {
        Self {
            read_ahead: None,
            send_buffer_limit: None,
            batched: None,
            record_sizing: None,
        }
    }

    /// Returns these options, with the settings of `before` where these have none.
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

    /// Sets how many bytes of ciphertext one read of the transport requests: `least` for small
    /// messages, up to `most` for bulk transfers.
    ///
    /// Larger reads mean fewer of them. Independently of `most`, a read requests at most the size of the
    /// caller's buffer plus one record (18 KiB). A stream uses memory for this only while it holds
    /// ciphertext that the connection has not processed; each thread keeps one buffer of the largest
    /// size that was needed. The defaults are 19 KiB, which holds a whole record, and 64 KiB.
    ///
    /// Both are rounded up to whole KiB and limited to 16 MiB, and `most` is raised to `least`.
    #[must_use]
    pub fn with_read_ahead(mut self, least: usize, most: usize) -> Self {
        let kib = |bytes: usize| bytes.div_ceil(1024).clamp(1, 16 * 1024) as u16;
        self.read_ahead = Some(ReadAhead {
            least: kib(least),
            most: kib(most.max(least)),
        });
        self
    }

    /// Buffers writes, so that bulk transfers and many small writes take few records and few writes
    /// of the transport.
    ///
    /// Buffered data is passed to the transport by a flush, a shutdown, a read that has to wait, or a
    /// write that fills the [send buffer](Self::with_send_buffer_limit). It is lost when the stream is
    /// dropped before that, and the peer of a program that writes and never flushes waits forever. By
    /// default each write is passed to the transport at once.
    #[must_use]
    pub const fn with_batched_writes(mut self, enabled: bool) -> Self {
        self.batched = Some(enabled);
        self
    }

    /// Sets how many bytes the stream buffers before writes are pending: with batched writes the
    /// plaintext of a batch, otherwise the ciphertext that the transport has not accepted.
    ///
    /// At least 16 KiB, by default 64 KiB. A limit below 64 KiB splits large writes into several writes
    /// of the transport.
    #[must_use]
    pub const fn with_send_buffer_limit(mut self, bytes: usize) -> Self {
        self.send_buffer_limit = Some(match bytes < LARGEST_PLAINTEXT {
            true => LARGEST_PLAINTEXT,
            false => bytes,
        });
        self
    }

    /// How much ciphertext the connection may queue; `None` for its default.
    pub(crate) fn queue_limit(&self) -> Option<Option<usize>> {
        let limit = self.send_buffer_limit();
        if self.is_batched() {
            // The send buffer applies the limit itself.
            Some(None)
        } else if self.record_sizing().is_some() {
            // The limit is on ciphertext, of which small records have more.
            let overhead = limit / RecordSizing::SMALLEST * LARGEST_OVERHEAD;
            Some(Some(limit.saturating_add(overhead)))
        } else if *self != Self::new() {
            Some(Some(limit))
        } else {
            None
        }
    }

    /// Starts with small records that grow, so that a receiver on a slow link can use the first bytes
    /// before a record of 16 KiB has arrived. By default records are as large as possible, which
    /// costs least.
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

/// How records grow while data is sent, and when they become small again.
///
/// Each record holds a quarter of the bytes that were sent since the start or the last pause, but at
/// least the first size and at most 16 KiB. So a receiver never waits for a record that is long compared
/// with what it has received, and records are full once 64 KiB have been sent without a pause.
///
/// ```
/// use pollback::{Options, RecordSizing};
/// use std::time::Duration;
///
/// // Starts with records of 1,200 bytes, and again after two seconds without data.
/// let sizing = RecordSizing::new(1200, Duration::from_secs(2));
/// let options = Options::new().with_record_sizing(sizing);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSizing {
    pub(crate) first: usize,
    pub(crate) idle: Duration,
}

impl RecordSizing {
    const SMALLEST: usize = 64;

    /// Starts with records of `first` bytes of plaintext, and starts again once nothing was sent for
    /// `idle`.
    ///
    /// `first` is at least 64 bytes and at most 16 KiB.
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
    /// timestamps, 1,500 bytes a packet) in TLS 1.2 and 1.3, and starts again after a second, when
    /// TCP has returned to a small congestion window, too.
    fn default() -> Self {
        Self::new(1399, Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_ahead_bounds_are_normalized() {
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
