//! Configurations for the options of the runner, for both versions of rustls.
//!
//! `configs.rs` and `configs_next.rs` create them. Their parts are written once, except for the
//! traits of each version.

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

/// What rustls counts in addition to the plaintext of a record.
const RECORD_HEADER: usize = 5;

/// How much early data a server accepts.
const EARLY_DATA: u32 = 16 * 1024;

/// How many sessions each side keeps.
const SESSIONS: usize = 32;

/// State shared by the connections of one process.
pub(crate) struct Setup {
    clock: Arc<Clock>,
    handshake: Handshake,
    /// With rustls 0.23.
    pub(crate) configs: configs::Configs,
    /// With rustls 0.24.
    pub(crate) next: configs_next::Configs,
}

/// The current handshake, as seen by the callbacks of rustls.
#[derive(Clone, Debug, Default)]
struct Handshake(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    rejects: bool,
    mandatory: bool,
    observed: Observed,
}

/// Observations about a connection that cannot be queried from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// The scheme of the peer's signature, and the OCSP response that came with its certificate.
    pub(crate) scheme: Option<u16>,
    pub(crate) ocsp: Vec<u8>,
    /// Which credential was used: its index, or -1 for the default one.
    pub(crate) credential: Option<i64>,
    /// How much early data each received TLS 1.3 ticket allows.
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

    /// Advances the clock.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
    }

    /// The observations since the beginning of the connection.
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

/// Reports a feature that rustls does not have as not implemented.
fn unsupported(reason: impl ToString) -> Unimplemented {
    Unimplemented(reason.to_string())
}

/// The name of the server that a client connects to.
fn server_name(settings: &Settings) -> Result<ServerName<'static>, Unimplemented> {
    match &settings.host_name {
        Some(name) => ServerName::try_from(name.clone()).map_err(unsupported),
        // No name is sent for an address.
        None => Ok(ServerName::IpAddress(
            IpAddr::V4(Ipv4Addr::LOCALHOST).into(),
        )),
    }
}

/// The members of `supported` with the numbers in `asked`, in that order; all of them if `asked` is
/// empty.
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
