//! What can be set about how a stream uses its transport.

use std::time::Duration;

use crate::engine::{LARGEST_PLAINTEXT, ReadAhead};

/// How a stream uses its transport: how much it reads at once, and how it cuts what is written
/// into records.
///
/// Given to a connector or an acceptor with `with_options`, or to a single
/// [`Handshake`](crate::stream::Handshake). The defaults suit a program that writes what it has and
/// then flushes, such as an HTTP server. None of the options changes which bytes arrive.
///
/// ```
/// use pollback::{Options, RecordSizing, TlsAcceptor};
/// use pollback::rustls::ServerConfig;
/// use std::sync::Arc;
///
/// # fn acceptor(config: Arc<ServerConfig>) -> TlsAcceptor {
/// let options = Options::new()
///     .with_coalescing(true)
///     .with_record_sizing(RecordSizing::default());
/// TlsAcceptor::from(config).with_options(options)
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) read_ahead: ReadAhead,
    pub(crate) unsent: usize,
    pub(crate) coalescing: bool,
    pub(crate) record_sizing: Option<RecordSizing>,
}

impl Options {
    /// The defaults: reads of 19 KiB to 64 KiB, no more than one record left behind by a writer,
    /// no coalescing, records as large as they can be.
    pub const fn new() -> Self {
        Self {
            read_ahead: ReadAhead::DEFAULT,
            unsent: 0,
            coalescing: false,
            record_sizing: None,
        }
    }

    /// Asks the transport for `least` to `most` bytes of ciphertext at once: for `least` where
    /// little arrives, as with requests and answers, and for up to `most` in bulk.
    ///
    /// More in one read means fewer reads of the transport, and more that has been taken from it
    /// while the application does not read. A stream holds memory for it only while there is
    /// ciphertext that the connection has not taken; each thread keeps one buffer of the size that
    /// was needed most. By default 19 KiB, which is room for a whole record, to 64 KiB.
    ///
    /// Both are rounded up to whole KiB, `most` is raised to `least`, and both are lowered to
    /// 16 MiB.
    #[must_use]
    pub fn with_read_ahead(mut self, least: usize, most: usize) -> Self {
        let kib = |bytes: usize| bytes.div_ceil(1024).clamp(1, 16 * 1024) as u16;
        self.read_ahead = ReadAhead {
            least: kib(least),
            most: kib(most.max(least)),
        };
        self
    }

    /// Lets up to `bytes` of plaintext stay behind when a writer stops without a flush.
    ///
    /// One record may stay behind in any case, and by default, which is 0, no more than that: so
    /// each record is offered to the transport before the next one is made. With room for
    /// several, all of them go to the transport in one call, which saves calls in bulk. Set this
    /// where every writer flushes or shuts down, as it has to with tokio-rustls, where up to
    /// 64 KiB stay behind. The connection's own limit, 64 KiB of ciphertext unless
    /// `set_buffer_limit` of rustls changes it, holds too: so 48 KiB is the most that is three whole
    /// records.
    #[must_use]
    pub const fn with_unsent(mut self, bytes: usize) -> Self {
        self.unsent = bytes;
        self
    }

    /// Makes small writes wait for one another: for a flush, a whole record, a read that finds
    /// nothing and would wait, or a shutdown.
    ///
    /// Many small writes then make few records and few calls of the transport. What waits is
    /// less than one record, and it is lost when the stream is dropped without any of these. By
    /// default each write is sent at once.
    ///
    /// Together with [`with_unsent`](Self::with_unsent) whole records wait too, until there is no
    /// room for another: so a bulk transfer in writes of any size takes few calls.
    #[must_use]
    pub const fn with_coalescing(mut self, enabled: bool) -> Self {
        self.coalescing = enabled;
        self
    }

    /// Makes records that start small and grow, so that a receiver on a slow link can use the first
    /// bytes before a whole 16 KiB record has arrived. By default records are as large as they can
    /// be, which costs least.
    #[must_use]
    pub fn with_record_sizing(mut self, sizing: impl Into<Option<RecordSizing>>) -> Self {
        self.record_sizing = sizing.into();
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
    /// Starts with records of `first` bytes of plaintext, and starts anew after nothing was sent
    /// for `idle`.
    ///
    /// `first` is raised to 64 bytes and lowered to 16 KiB.
    pub fn new(first: usize, idle: Duration) -> Self {
        Self {
            first: first.clamp(64, LARGEST_PLAINTEXT),
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
            let bounds = Options::new().with_read_ahead(least, most).read_ahead;
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
