//! The configurations of rustls 0.24.

use std::sync::Arc;

use pollback::next::rustls::client::Resumption;
use pollback::next::rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use pollback::next::rustls::{ClientConfig, ServerConfig};
use pollback::next::{TlsAcceptor, TlsConnector};
use pollback::rustls::pki_types::ServerName;
use pollback_testkit::executor;
use pollback_testkit::pipe::pipe;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::case::Case;
use super::run::EARLY;
use super::scenarios::{Handshake, Scenario};
use crate::next_engine::Setup;

/// The configurations of a scenario, created once for all of its runs.
pub(super) struct NextWorld {
    client: ClientConfig,
    server: ServerConfig,
}

impl NextWorld {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mut setup = Setup::new(scenario.version);
        match scenario.handshake {
            Handshake::ClientCertificate => setup = setup.client_auth(),
            Handshake::EarlyData { .. } | Handshake::HalfRtt => setup = setup.early_data(EARLY),
            _ => {}
        }
        Self {
            client: setup.client(),
            server: setup.server(),
        }
    }

    /// The configurations of one run, whose sides have met before if the case requires it.
    pub(super) fn configs(&self, case: &Case) -> (ClientConfig, ServerConfig) {
        let (mut client, mut server) = (self.client.clone(), self.server.clone());
        // Otherwise it would resume a session of an earlier run.
        client.resumption = Resumption::in_memory_sessions(1);
        let handshake = case.scenario.handshake;
        if case.client.is_next() && case.server.is_next() && handshake.is_resumed() {
            server.session_storage = ServerSessionMemoryCache::new(8);
            meet(client.clone(), server.clone());
        }
        if handshake == (Handshake::EarlyData { accepted: false }) {
            server.session_storage = Arc::new(NoServerSessionStorage {});
            server.max_early_data_size = 1 << 24;
        }
        server.send_half_rtt_data = handshake == Handshake::HalfRtt;
        (client, server)
    }
}

/// A full handshake, and a byte from the server after its tickets.
fn meet(client: ClientConfig, server: ServerConfig) {
    let (near, far) = pipe(1 << 16);
    let name = ServerName::try_from("localhost").expect("a valid name");
    executor::join(
        async {
            let connect = TlsConnector::from(Arc::new(client)).connect(name, near);
            let mut stream = connect.await.expect("an honest server");
            stream.read_u8().await.expect("a byte");
        },
        async {
            let accept = TlsAcceptor::from(Arc::new(server)).accept(far);
            let mut stream = accept.await.expect("an honest client");
            stream.write_u8(b'.').await.expect("a write");
            stream.flush().await.expect("a flush");
        },
    );
}
