//! Settings of accepted sockets.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Settings of the sockets that a listener accepts.
///
/// As it comes, `TCP_NODELAY` is set and keep-alive is not.
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
    /// Creates the settings as they come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `TCP_NODELAY`: whether bytes are sent at once instead of waiting for the
    /// acknowledgement of those before.
    #[must_use]
    pub fn with_nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Sets `SO_KEEPALIVE`: a peer from which nothing has come for this long is asked whether it is
    /// still there, and again after each further such time. How often a peer may fail to answer is
    /// up to the operating system; on Linux the connection fails after the ninth time.
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
    /// If the operating system refuses a setting: a time that is too long, for example.
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
