//! Configurations that do what the runner asks for, of both versions of rustls.
//!
//! `configs.rs` and `configs_next.rs` make them. What they are made of is written once, as far as it is
//! not a trait of the one version or the other.

mod clock;
mod configs;
mod configs_next;
mod credentials;
mod sessions;
mod verifier;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::ServerName;

use crate::options::Unimplemented;
use crate::settings::Settings;
use clock::Clock;

/// What rustls counts beside the plaintext of a record.
const RECORD_HEADER: usize = 5;

/// How much early data a server takes.
const EARLY_DATA: u32 = 16 * 1024;

/// How many sessions each side keeps.
const SESSIONS: usize = 32;

/// What the connections of one process have in common.
pub(crate) struct Setup {
    clock: Arc<Clock>,
    handshake: Handshake,
    /// With rustls 0.23.
    pub(crate) configs: configs::Configs,
    /// With rustls 0.24.
    pub(crate) next: configs_next::Configs,
}

/// The handshake at hand, for those who take part in it.
#[derive(Clone, Debug, Default)]
struct Handshake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    rejects: bool,
    mandatory: bool,
    observed: Observed,
}

/// What was seen of a connection besides what it says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// The scheme of the peer's signature, and the OCSP response beside its certificate.
    pub(crate) scheme: Option<u16>,
    pub(crate) ocsp: Vec<u8>,
    /// Which credential was used: its index, or -1 for the default one.
    pub(crate) credential: Option<i64>,
    /// For each ticket of TLS 1.3 that has come, how much early data it is good for.
    pub(crate) tickets: Vec<u32>,
}

impl Setup {
    pub(crate) fn new() -> io::Result<Self> {
        let (clock, handshake) = (Arc::default(), Handshake::default());
        Ok(Self {
            configs: configs::Configs::new(&clock, &handshake)?,
            next: configs_next::Configs::new(&clock, &handshake)?,
            clock,
            handshake,
        })
    }

    /// Begins with another connection.
    pub(crate) fn begin(&self, settings: &Settings) {
        *self.handshake.state() = State {
            rejects: settings.reject_certificate,
            mandatory: settings.require_certificate,
            observed: Observed::default(),
        };
    }

    /// Puts the clock forward.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
    }

    /// What was seen since the connection was begun.
    pub(crate) fn observed(&self) -> Observed {
        self.handshake.state().observed.clone()
    }
}

impl Handshake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, note: impl FnOnce(&mut Observed)) {
        note(&mut self.state().observed);
    }
}

/// What rustls cannot do is not implemented.
fn unsupported(reason: impl ToString) -> Unimplemented {
    Unimplemented(reason.to_string())
}

/// Whom a client connects to.
fn server_name(settings: &Settings) -> Result<ServerName<'static>, Unimplemented> {
    match &settings.host_name {
        Some(name) => ServerName::try_from(name.clone()).map_err(unsupported),
        // For an address no name is sent.
        None => Ok(ServerName::IpAddress(
            IpAddr::V4(Ipv4Addr::LOCALHOST).into(),
        )),
    }
}

/// Those of `supported` whose numbers are `asked` for, in that order; all of them if none is.
fn chosen<T: Clone>(
    what: &str,
    asked: &[u16],
    supported: &[T],
    number: impl Fn(&T) -> u16,
) -> Result<Vec<T>, Unimplemented> {
    let chosen = asked.iter().map(|&asked| {
        let found = supported.iter().find(|&one| number(one) == asked);
        found
            .cloned()
            .ok_or_else(|| unsupported(format!("{what} {asked}")))
    });
    match asked {
        [] => Ok(supported.to_vec()),
        _ => chosen.collect(),
    }
}
