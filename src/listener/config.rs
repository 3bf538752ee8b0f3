//! Configurations that are replaced while they are in use.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use crate::options::Options;

/// A server configuration that can be replaced at any time, from any thread.
///
/// Clones share it. A handshake uses the configuration that is current when its ClientHello
/// arrives; a replacement does not make it fail. No lock is held meanwhile.
///
/// After a replacement clients cannot resume sessions of the old configuration, and perform full
/// handshakes, unless both have the same [`ServerConfig::ticketer`] and
/// [`ServerConfig::session_storage`].
///
/// ```no_run
/// use pollback::listener::{SharedConfig, TlsListener};
/// use pollback::rustls::ServerConfig;
/// use tokio::net::TcpListener;
///
/// # async fn serve(first: ServerConfig, second: ServerConfig) -> std::io::Result<()> {
/// let config = SharedConfig::new(first);
/// let tcp = TcpListener::bind("0.0.0.0:443").await?;
/// let listener = TlsListener::new(tcp, config.clone());
///
/// // Later, from any task: connections that are open keep the first configuration.
/// config.replace(second);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SharedConfig {
    config: Arc<ArcSwap<ServerConfig>>,
    /// Shared, since each handshake clones it.
    options: Arc<Options>,
    early_data: bool,
}

impl SharedConfig {
    /// Creates a shared configuration that starts with `config`.
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self {
            config: Arc::new(ArcSwap::new(config.into())),
            options: Arc::new(Options::new()),
            early_data: false,
        }
    }

    /// Makes the listener return connections with accepted early data (0-RTT) before the client's
    /// Finished: see [`Accept::early_data`](crate::Accept#method.early_data), which says what else
    /// has to be set. Does not affect clones that were made before.
    ///
    /// The deadline of the listener then does not cover the rest of the handshake.
    #[cfg(feature = "early-data")]
    #[must_use]
    pub fn early_data(mut self, enabled: bool) -> Self {
        self.early_data = enabled;
        self
    }

    /// Sets the options of the streams. Does not affect clones that were made before.
    #[must_use]
    pub fn with_options(mut self, options: Options) -> Self {
        self.options = Arc::new(options);
        self
    }

    pub(super) fn options(&self) -> Options {
        *self.options
    }

    pub(super) fn resolves_early(&self) -> bool {
        self.early_data
    }

    /// Returns the current configuration.
    pub fn load(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Replaces the configuration for all handshakes from now on, and returns the previous one.
    pub fn replace(&self, config: impl Into<Arc<ServerConfig>>) -> Arc<ServerConfig> {
        self.config.swap(config.into())
    }
}

impl From<Arc<ServerConfig>> for SharedConfig {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self::new(config)
    }
}

impl fmt::Debug for SharedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedConfig").finish_non_exhaustive()
    }
}
