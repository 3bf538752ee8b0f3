//! What can be set about a listener.

use std::time::Duration;

use tokio::runtime::Handle;

use super::limit::ConnectionLimit;
use super::{Failed, Handshaker, Listener, SocketOptions, TlsListener};

/// What happens to a connection that comes while there are as many as may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits in the queue of the operating system until there is room.
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
    /// Gives each connection this long from being accepted to the end of its handshake.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Gives each client this long for its first byte, from when its connection is returned by
    /// [`accept`](Self::accept): a read that still waits then fails with `TimedOut`. There is no
    /// such deadline unless this is set.
    #[must_use]
    pub fn with_first_byte_deadline(mut self, deadline: Duration) -> Self {
        self.settings.first_byte = Some(deadline);
        self
    }

    /// Lets so many handshakes, but at least one, be in flight at once.
    ///
    /// With a small limit and [`WhenFull::Wait`] so many clients that stall keep all others out
    /// until the deadline.
    #[must_use]
    pub fn with_limit(mut self, handshakes: usize, when_full: WhenFull) -> Self {
        self.settings.limit = handshakes.max(1);
        self.settings.when_full = when_full;
        self
    }

    /// Lets so many connections, but at least one, be open at once: each counts from being accepted
    /// until its [`Connection`](super::Connection) is dropped or taken apart. There is no limit
    /// unless this is set.
    #[must_use]
    pub fn with_connection_limit(mut self, connections: usize, when_full: WhenFull) -> Self {
        self.connections = Some(ConnectionLimit::new(connections, when_full));
        self
    }

    /// Sets options of the sockets that are accepted. As it comes, `TCP_NODELAY` is set.
    #[must_use]
    pub fn with_socket_options(mut self, options: SocketOptions) -> Self {
        self.settings.sockets = options;
        self
    }

    /// Reports to `report` each connection that comes to nothing. It is called while the listener is
    /// polled, so it should not take long.
    #[must_use]
    pub fn on_failure(mut self, report: impl FnMut(Failed<L::Peer>) + Send + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// Carries out handshakes on another runtime, whose timer must be enabled.
    #[must_use]
    pub fn on_runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Takes the header of the PROXY protocol, version 1 or 2, from the peers that `trusts` accepts,
    /// and from no one else. Such a peer has to send one; what it says is in
    /// [`Peer::proxy_header`](super::Peer::proxy_header).
    ///
    /// Whoever is trusted can claim to be any client. A header from someone who is not trusted is
    /// not TLS, and fails as such. What can be wrong with a header is a
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
