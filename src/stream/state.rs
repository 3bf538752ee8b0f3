//! The state of a stream, as two values.
//!
//! ```text
//!   EarlyData ──┐ accepted or rejected                 (a client)
//!               ▼
//!   Handshaking ──► Open ──► Closing ──► Closed         what our side may send
//!     │    │          ▲ │       │           │
//!     │    └► Unconfirmed       │           │           (a server that takes early data)
//!     └───────────┴─────┴──┬────┴───────────┘
//!                          ▼
//!                       Failed                          TLS has failed, for good
//!
//!         send                transmitted             flushed
//!   Clean ────► Owed ───────────────────► Unflushed ─────────► Clean
//!                │ the transport miscounts
//!                ▼
//!            Miscounted                                 nothing can follow
//! ```
//!
//! Whether the *peer* has closed or the transport has ended is known to the connection and to the
//! input buffer. An error of the transport changes neither value: the next call is a new attempt.

use std::io;

use crate::engine::{Alert, Failure};

/// What our side of the connection may still send.
#[derive(Debug, Default)]
pub(super) enum Phase {
    /// The handshake is to be done before plaintext can pass.
    #[default]
    Handshaking,
    /// So it is, and until then plaintext goes out as early data.
    EarlyData,
    /// The client's Finished is still to come, and until then its early data comes in. Plaintext
    /// goes out before, if `half_rtt`.
    Unconfirmed { half_rtt: bool },
    /// Plaintext passes.
    Open,
    /// close_notify is queued, and not all of it may be with the transport.
    Closing,
    /// The transport has been shut down for writing.
    Closed,
    /// Boxed, since hardly any stream has it.
    Failed(Box<Failed>),
}

/// A connection that has failed.
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// What the peer has to hear of it, if the connection has no alert queued.
    pub(super) alert: Option<Alert>,
}

impl Phase {
    /// Whether the handshake is still to be done.
    #[inline]
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(
            self,
            Self::Handshaking | Self::EarlyData | Self::Unconfirmed { .. }
        )
    }

    /// Whether plaintext of any amount can go out.
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

/// Where what is to be sent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outbound {
    /// In the transport, and flushed.
    Clean,
    /// In the transport, which may buffer it.
    Unflushed,
    /// Still here, as plaintext or ciphertext.
    Owed,
}

/// What is known of the bytes that the transport was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Given {
    /// It was told to flush them.
    #[default]
    Flushed,
    /// It was not.
    Unflushed,
    /// It has claimed more than it was offered. Nobody knows how many bytes it has taken, so
    /// nothing can follow them.
    Miscounted,
}

/// Whether a transport whose writes fail in this way ends its reads too, by what is left to read
/// and then an end or an error. Of a reader that waits nothing else has to be feared then.
pub(super) fn ends_reads(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}
