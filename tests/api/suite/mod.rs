//! The behaviour of tokio-rustls 0.26, name by name. `tls` is the crate under test.

mod acceptor;
mod bufread;
mod connector;
#[cfg(feature = "early-data")]
mod early_data;
mod handshakes;
mod lazy;
mod programs;
mod start;
mod streams;

use super::tls;
use crate::support::{Transport, localhost};
use pollback_testkit::configs::Setup;
use std::sync::Arc;
use tls::rustls::{ClientConfig, ServerConfig};

/// Connects a client and a server over the given transports.
async fn connect_over<IO: Transport>(
    (client, server): (Arc<ClientConfig>, Arc<ServerConfig>),
    (near, far): (IO, IO),
) -> (tls::client::TlsStream<IO>, tls::server::TlsStream<IO>) {
    let connector = tls::TlsConnector::from(client);
    let acceptor = tls::TlsAcceptor::from(server);
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    (
        client.expect("the client connects"),
        server.expect("the server accepts"),
    )
}

/// Both configurations of a setup, ready to be shared.
fn configs(setup: &Setup) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    (Arc::new(setup.client()), Arc::new(setup.server()))
}
