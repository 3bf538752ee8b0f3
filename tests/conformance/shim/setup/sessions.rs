//! The sessions of a client.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;

/// Keeps sessions, and what tickets say. Forgets which group a server has chosen: the runner counts
/// on a client that begins each connection in the same way.
#[derive(Debug)]
pub(super) struct Sessions {
    kept: ClientSessionMemoryCache,
    tickets: Mutex<Vec<u32>>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            kept: ClientSessionMemoryCache::new(32),
            tickets: Mutex::default(),
        }
    }
}

impl Sessions {
    /// For each ticket that has come with this connection, how much early data it is good for.
    pub(super) fn tickets(&self) -> Vec<u32> {
        self.seen().clone()
    }

    pub(super) fn forget_tickets_seen(&self) {
        self.seen().clear();
    }

    fn seen(&self) -> MutexGuard<'_, Vec<u32>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept.set_tls12_session(name, value);
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(name)
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.kept.remove_tls12_session(name);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.seen().push(value.max_early_data_size());
        self.kept.insert_tls13_ticket(name, value);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(name)
    }
}
