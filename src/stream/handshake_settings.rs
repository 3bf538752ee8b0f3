//! What a connector or an acceptor sets for each handshake.

use std::time::Duration;

use super::TlsStream;
use super::handshake::Handshake;
use crate::engine::Engine;
use crate::options::Options;

/// The settings of a connector or an acceptor that its handshakes share.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HandshakeSettings {
    pub(crate) options: Options,
    /// Whether early data is used if the connection can have it.
    pub(crate) early_data: bool,
    pub(crate) timeout: Option<Duration>,
}

impl HandshakeSettings {
    /// The handshake of a client, which sends early data first if `has_early_data`.
    pub(crate) fn connect<IO, C: Engine>(
        &self,
        stream: TlsStream<IO, C>,
        has_early_data: bool,
    ) -> Handshake<IO, C> {
        self.apply(match self.early_data && has_early_data {
            true => stream.with_early_data(),
            false => stream,
        })
    }

    /// The handshake of a server.
    pub(crate) fn accept<IO, C: Engine>(&self, stream: TlsStream<IO, C>) -> Handshake<IO, C> {
        self.apply(stream).resolve_early(self.early_data)
    }

    fn apply<IO, C: Engine>(&self, stream: TlsStream<IO, C>) -> Handshake<IO, C> {
        let mut handshake = Handshake::new(stream).with_options(self.options);
        handshake.set_timeout(self.timeout);
        handshake
    }
}
