//! Settings of a listener.

use std::time::Duration;

use tokio::runtime::Handle;

use super::limit::ConnectionLimit;
use super::{AcceptError, Handshaker, Listener, SocketOptions, TlsListener};

/// What happens to a new connection when a limit is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits in the queue of the operating system.
    #[default]
    Wait,
    /// It is accepted and closed at once, and reported as failed.
    Close,
}

/// The settings that are plain values.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) deadline: Duration,
    pub(super) limit: usize,
    pub(super) when_full: WhenFull,
    pub(super) sockets: SocketOptions,
    pub(super) first_byte: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            limit: 65_536,
            when_full: WhenFull::default(),
            sockets: SocketOptions::default(),
            first_byte: None,
        }
    }
}

impl<L: Listener, H: Handshaker<L::Io>> TlsListener<L, H> {
    /// Sets how long a connection may take from being accepted to the end of its handshake.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets how long a client may take for its first byte once [`accept`](Self::accept) has
    /// returned its connection; after that time a pending read fails with `TimedOut`. By default
    /// there is no such deadline.
    #[must_use]
    pub fn with_first_byte_deadline(mut self, deadline: Duration) -> Self {
        self.settings.first_byte = Some(deadline);
        self
    }

    /// Limits the handshakes in flight, to at least one.
    ///
    /// With a small limit and [`WhenFull::Wait`], that number of stalled clients keeps all others
    /// waiting until the deadline.
    #[must_use]
    pub fn with_limit(mut self, handshakes: usize, when_full: WhenFull) -> Self {
        self.settings.limit = handshakes.max(1);
        self.settings.when_full = when_full;
        self
    }

    /// Limits the open connections, to at least one: each counts from being accepted until its
    /// [`Connection`](super::Connection) is dropped or disassembled by
    /// [`into_parts`](super::Connection::into_parts). By default there is no limit.
    #[must_use]
    pub fn with_connection_limit(mut self, connections: usize, when_full: WhenFull) -> Self {
        self.connections = Some(ConnectionLimit::new(connections, when_full));
        self
    }

    /// Sets options of the accepted sockets. By default `TCP_NODELAY` is set.
    #[must_use]
    pub fn with_socket_options(mut self, options: SocketOptions) -> Self {
        self.settings.sockets = options;
        self
    }

    /// Calls `report` for each connection that fails before it is established. It is called while the
    /// listener is polled, so it must not block.
    #[must_use]
    pub fn on_failure(mut self, report: impl FnMut(AcceptError<L::Peer>) + Send + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// Performs handshakes on another runtime, whose timer must be enabled.
    #[must_use]
    pub fn on_runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Requires a header of the PROXY protocol, version 1 or 2, from peers for which `trusts` returns
    /// true. Its contents are in [`Peer::proxy_header`](super::Peer::proxy_header).
    ///
    /// A trusted peer can claim to be any client. A connection of any other peer that begins with a
    /// header fails, since the header is not TLS. An invalid header is a
    /// [`HeaderError`](crate::proxy_protocol::HeaderError).
    #[cfg(feature = "proxy-protocol")]
    #[must_use]
    pub fn with_proxy_protocol(
        mut self,
        trusts: impl Fn(&L::Peer) -> bool + Send + 'static,
    ) -> Self {
        self.trusts = Some(Box::new(trusts));
        self
    }
}
