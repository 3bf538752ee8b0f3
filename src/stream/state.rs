//! The state of a stream, in two values.
//!
//! ```text
//!   EarlyData ─────────────────┐                          a client with early data
//!                              ▼
//!   Handshaking ─────────────► Open ──► Closing ──► Closed
//!        │                     ▲
//!        └────► Unconfirmed ───┘                          a server that accepts early data
//!
//!   any of these ──► Failed                               TLS has failed permanently
//!
//!          send         all transmitted              flushed
//!   Clean ─────► Owed ───────────────────► Unflushed ────────► Clean
//!                 ▲         send               │
//!                 └────────────────────────────┘
//! ```
//!
//! The first value, the [`Phase`], says what our side may still send; the second, [`Outbound`],
//! where outbound data is. Early data that a client keeps for retransmission counts as owed until
//! the server has accepted or rejected it. Once the transport has miscounted
//! ([`Given::Miscounted`]), nothing more is transmitted.
//!
//! Whether the *peer* has closed or the transport has ended is known to the connection and the
//! input buffer. An error of the transport changes neither value: the next call makes a new
//! attempt.

use std::io;

use crate::engine::{Alert, Failure};

/// What our side of the connection may still send.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// The handshake must complete before plaintext can pass.
    #[default]
    Handshaking,
    /// Like `Handshaking`, but plaintext is sent as early data.
    EarlyData,
    /// The client's Finished has not arrived; until then its early data is read. Plaintext can
    /// already be sent if `half_rtt`.
    Unconfirmed { half_rtt: bool },
    /// Plaintext can pass both ways.
    Open,
    /// close_notify is queued, and may not be fully transmitted.
    Closing,
    /// The transport has been shut down for writing.
    Closed,
    /// Boxed, since it is rare.
    Failed(Box<Failed>),
}

/// A connection that has failed.
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// The alert for the peer, if the connection has not queued one.
    pub(super) alert: Option<Alert>,
}

impl Phase {
    /// Whether the handshake still has to complete.
    #[inline]
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(
            self,
            Self::Handshaking | Self::EarlyData | Self::Unconfirmed { .. }
        )
    }

    /// Whether any amount of plaintext can be sent.
    #[inline]
    pub(super) fn is_writable(&self) -> bool {
        !self.is_handshaking() || matches!(self, Self::Unconfirmed { half_rtt: true })
    }

    /// Whether close_notify has been queued.
    #[inline]
    pub(super) fn is_closing(&self) -> bool {
        matches!(self, Self::Closing | Self::Closed)
    }
}

impl std::fmt::Debug for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.failure.fmt(f)
    }
}

/// Where outbound data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outbound {
    /// In the transport, and flushed.
    Clean,
    /// In the transport, which may buffer it.
    Unflushed,
    /// Not in the transport yet, as plaintext or ciphertext.
    Owed,
}

/// The state of the bytes that were passed to the transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Given {
    /// They were flushed.
    #[default]
    Flushed,
    /// They were not flushed.
    Unflushed,
    /// The transport has claimed more bytes than it was offered. It is unknown how many it has
    /// accepted, so nothing can follow them.
    Miscounted,
}

/// Whether a transport whose writes fail with `error` also ends its reads, with the remaining data
/// and then an end or an error. A waiting reader is then sure to be woken.
pub(super) fn ends_reads(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}
