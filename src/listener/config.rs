//! Configurations that are replaced while they are in use.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use crate::options::Options;

/// A server configuration that can be replaced at any time, from any thread.
///
/// Clones share it. A handshake takes the configuration that is there when its ClientHello has come,
/// without a lock, and keeps it to its end; a replacement fails none.
///
/// With a new configuration the clients' tickets of the old one are worth nothing unless both have
/// the same [`ServerConfig::ticketer`] and [`ServerConfig::session_storage`]. Such clients make a
/// full handshake.
#[derive(Clone)]
pub struct SharedConfig {
    config: Arc<ArcSwap<ServerConfig>>,
    /// Behind a pointer, since each handshake has a clone of this.
    options: Arc<Options>,
    early_data: bool,
}

impl SharedConfig {
    /// Starts with `config`.
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self {
            config: Arc::new(ArcSwap::new(config.into())),
            options: Arc::new(Options::new()),
            early_data: false,
        }
    }

    /// Lets handshakes in which early data (0-RTT) is accepted come to an end for the listener before
    /// the client's Finished: see [`Accept::early_data`](crate::Accept#method.early_data), which
    /// says what else has to be set. Clones made before do not take part.
    ///
    /// The deadline of the listener then does not cover the rest of the handshake.
    #[cfg(feature = "early-data")]
    #[must_use]
    pub fn early_data(mut self, enabled: bool) -> Self {
        self.early_data = enabled;
        self
    }

    /// Makes streams use their transports as `options` say. Clones made before do not take part.
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

    /// The configuration of the moment.
    pub fn load(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Makes every handshake from now on use `config`, and gives the one before.
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
