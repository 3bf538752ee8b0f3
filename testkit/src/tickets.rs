//! Configurations for as many resumptions as a test needs.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use rustls::server::StoresServerSessions;
use rustls::{ClientConfig, ClientConnection, NamedGroup, ServerConfig, ServerConnection};

use crate::configs::Setup;

/// How many tickets one full handshake provides.
const TICKETS: usize = 200;

/// The configurations of a client and a server that resume every handshake.
///
/// Tickets are kept in a store of their own, so a handshake that fails, or tickets that never
/// arrive, do not affect the next one.
pub struct Acquaintance {
    client: ClientConfig,
    server: ServerConfig,
    stock: Arc<ClientStock>,
    sessions: Arc<ServerStock>,
}

impl Acquaintance {
    /// Performs a full handshake between the two sides.
    pub fn new(setup: &Setup) -> Self {
        let (mut client, mut server) = (setup.client(), setup.server());
        let (stock, sessions) = <(Arc<ClientStock>, Arc<ServerStock>)>::default();
        client.resumption = Resumption::store(Arc::<ClientStock>::clone(&stock));
        server.session_storage = Arc::<ServerStock>::clone(&sessions);
        Self {
            client,
            server,
            stock,
            sessions,
        }
    }

    /// The configurations, with a ticket for at least one more resumption.
    pub fn configs(&self) -> (ClientConfig, ServerConfig) {
        if lock(&self.stock.0).is_empty() {
            self.meet();
        }
        (self.client.clone(), self.server.clone())
    }

    fn meet(&self) {
        let mut server = self.server.clone();
        server.send_tls13_tickets = TICKETS;
        lock(&self.stock.0).open = true;
        lock(&self.sessions.0).open = true;
        exchange(self.client.clone(), server);
        lock(&self.stock.0).open = false;
        lock(&self.sessions.0).open = false;
    }
}

/// A full handshake in memory, followed by a byte from the server.
fn exchange(client: ClientConfig, server: ServerConfig) {
    let name = ServerName::try_from("localhost").expect("a valid name");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("a usable configuration");
    let mut server = ServerConnection::new(Arc::new(server)).expect("a usable configuration");
    let mut wire = Vec::new();
    while client.wants_write() || server.wants_write() {
        client.write_tls(&mut wire).expect("memory accepts it");
        let mut arrived = &wire[..];
        while server.read_tls(&mut arrived).expect("memory can be read") > 0 {
            server.process_new_packets().expect("an honest client");
        }
        wire.clear();
        while server.wants_write() {
            server.write_tls(&mut wire).expect("memory accepts it");
        }
        let mut arrived = &wire[..];
        while client.read_tls(&mut arrived).expect("memory can be read") > 0 {
            client.process_new_packets().expect("an honest server");
        }
        wire.clear();
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
}

#[derive(Default)]
struct ClientStock(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    open: bool,
    session: Option<Tls12ClientSessionValue>,
    tickets: Vec<Tls13ClientSessionValue>,
    group: Option<NamedGroup>,
}

impl Remembered {
    fn is_empty(&self) -> bool {
        self.session.is_none() && self.tickets.is_empty()
    }
}

impl ClientSessionStore for ClientStock {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        lock(&self.0).group = Some(group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        lock(&self.0).group
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        let mut remembered = lock(&self.0);
        if remembered.open {
            remembered.session = Some(value);
        }
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        lock(&self.0).session.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut remembered = lock(&self.0);
        if remembered.open {
            remembered.tickets.push(value);
        }
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        lock(&self.0).tickets.pop()
    }
}

#[derive(Default)]
struct ServerStock(Mutex<Sessions>);

#[derive(Default)]
struct Sessions {
    open: bool,
    values: HashMap<Vec<u8>, Vec<u8>>,
}

impl StoresServerSessions for ServerStock {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let mut sessions = lock(&self.0);
        if sessions.open {
            sessions.values.insert(key, value);
        }
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        lock(&self.0).values.get(key).cloned()
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.get(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for ClientStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientStock").finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerStock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerStock").finish_non_exhaustive()
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
