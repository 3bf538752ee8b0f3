//! The sessions of a client.

use pollback::next::rustls::client as next;
use pollback::next::rustls::crypto::kx::NamedGroup as NextGroup;
use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use super::Handshake;

/// The session store of rustls 0.23.
pub(super) type Current = rustls::client::ClientSessionMemoryCache;

/// The session store of rustls 0.24.
pub(super) type Next = next::ClientSessionMemoryCache;

/// Stores sessions, and properties of tickets. Forgets which group a server has chosen: the runner
/// expects a client that begins each connection in the same way.
#[derive(Debug)]
pub(super) struct Sessions<C> {
    kept: C,
    handshake: Handshake,
}

impl<C> Sessions<C> {
    pub(super) fn new(kept: C, handshake: &Handshake) -> Self {
        Self {
            kept,
            handshake: handshake.clone(),
        }
    }

    fn note_ticket(&self, early_data: u32) {
        self.handshake
            .observe(|observed| observed.tickets.push(early_data));
    }
}

impl ClientSessionStore for Sessions<Current> {
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
        self.note_ticket(value.max_early_data_size());
        self.kept.insert_tls13_ticket(name, value);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept.take_tls13_ticket(name)
    }
}

impl next::ClientSessionStore for Sessions<Next> {
    fn set_kx_hint(&self, _: next::ClientSessionKey<'static>, _: NextGroup) {}

    fn kx_hint(&self, _: &next::ClientSessionKey<'_>) -> Option<NextGroup> {
        None
    }

    fn set_tls12_session(&self, key: next::ClientSessionKey<'static>, value: next::Tls12Session) {
        self.kept.set_tls12_session(key, value);
    }

    fn tls12_session(&self, key: &next::ClientSessionKey<'_>) -> Option<next::Tls12Session> {
        self.kept.tls12_session(key)
    }

    fn remove_tls12_session(&self, key: &next::ClientSessionKey<'static>) {
        self.kept.remove_tls12_session(key);
    }

    fn insert_tls13_ticket(&self, key: next::ClientSessionKey<'static>, value: next::Tls13Session) {
        self.note_ticket(early_data(&value));
        self.kept.insert_tls13_ticket(key, value);
    }

    fn take_tls13_ticket(
        &self,
        key: &next::ClientSessionKey<'static>,
    ) -> Option<next::Tls13Session> {
        self.kept.take_tls13_ticket(key)
    }
}

/// How much early data a ticket allows. rustls 0.24.0-dev.2 reveals that only in the encoding of
/// the ticket.
fn early_data(ticket: &next::Tls13Session) -> u32 {
    let mut saved = Vec::new();
    ticket.encode(&mut saved);
    // The number of the suite, the secret preceded by its length, a 32-bit number, and this one.
    let secret = usize::from(saved[2]);
    let from = 2 + 1 + secret + 4;
    u32::from_be_bytes(std::array::from_fn(|index| saved[from + index]))
}
