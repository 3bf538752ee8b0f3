//! Settings of accepted sockets.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Settings of the sockets that a listener accepts.
///
/// By default `TCP_NODELAY` is set and keep-alive is not.
///
/// ```
/// use pollback::listener::SocketOptions;
/// use std::time::Duration;
///
/// let options = SocketOptions::new().with_keepalive(Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    nodelay: bool,
    keepalive: Option<Duration>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            nodelay: true,
            keepalive: None,
        }
    }
}

impl SocketOptions {
    /// Returns the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `TCP_NODELAY`: whether bytes are sent at once, without waiting for the acknowledgement of
    /// previous ones.
    #[must_use]
    pub fn with_nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Sets `SO_KEEPALIVE`: a peer from which nothing has arrived for this long is probed, and
    /// again after each further interval of this length. The operating system decides how many
    /// probes may remain without a response; on Linux the connection fails after the ninth.
    #[must_use]
    pub fn with_keepalive(mut self, idle: Duration) -> Self {
        self.keepalive = Some(idle);
        self
    }

    /// Applies the settings to a socket. For implementations of
    /// [`Listener::configure`](super::Listener::configure).
    ///
    /// # Errors
    ///
    /// If the operating system rejects a setting, for example a time that is too long.
    pub fn apply(&self, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(self.nodelay)?;
        if let Some(idle) = self.keepalive {
            let keepalive = TcpKeepalive::new().with_time(idle);
            #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
            let keepalive = keepalive.with_interval(idle);
            SockRef::from(socket).set_tcp_keepalive(&keepalive)?;
        }
        Ok(())
    }
}
