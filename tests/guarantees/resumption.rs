//! Two sides that have met before, so that the client can send early data.

use pollback_testkit::configs::Version;
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;

use crate::engine::rustls::server::ServerSessionMemoryCache;
use crate::engine::{ClientConfig, ServerConfig, Setup, TlsAcceptor, TlsConnector};
use crate::support::{WIDE, acceptor, connector, handshake, receive, send};

/// The most early data that a server accepts.
pub(crate) const LIMIT: u32 = 4096;

/// A client with a ticket that allows early data, and the server that issued it.
pub(crate) struct Acquaintances {
    pub(crate) client: ClientConfig,
    pub(crate) server: ServerConfig,
}

impl Acquaintances {
    pub(crate) fn new() -> Self {
        Self::with_limit(LIMIT)
    }

    pub(crate) fn with_limit(limit: u32) -> Self {
        let setup = Setup::new(Version::Tls13).early_data(limit);
        let (client, server) = (setup.client(), setup.server());
        let (mut client_stream, mut server_stream) =
            handshake(client.clone(), server.clone(), pipe(WIDE));
        executor::join(
            send(&mut server_stream, b"ticket"),
            receive(&mut client_stream, 6),
        );
        Self { client, server }
    }

    /// The server has forgotten the ticket, so that it rejects early data.
    pub(crate) fn with_a_forgetful_server(mut self) -> Self {
        self.server.session_storage = ServerSessionMemoryCache::new(16);
        self
    }

    /// The server skips far more than the client may send: rustls counts a skipped record again
    /// with every piece of ciphertext that arrives later, and transports that deliver small pieces
    /// would exhaust the limit.
    pub(crate) fn with_patience(mut self) -> Self {
        self.server.max_early_data_size = 1 << 24;
        self
    }

    /// The server may respond before the client's Finished.
    pub(crate) fn with_half_rtt(mut self) -> Self {
        self.server.send_half_rtt_data = true;
        self
    }

    pub(crate) fn rejecting(self, rejecting: bool) -> Self {
        if rejecting {
            self.with_a_forgetful_server().with_patience()
        } else {
            self
        }
    }

    pub(crate) fn connector(&self) -> TlsConnector {
        connector(self.client.clone()).early_data(true)
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        acceptor(self.server.clone())
    }
}
