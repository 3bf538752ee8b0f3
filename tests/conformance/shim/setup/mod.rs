//! Configurations of rustls 0.23 that do what the runner asks for.

mod clock;
mod credentials;
mod sessions;
mod verifier;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use rustls::{
    ClientConfig, NamedGroup, ServerConfig, SupportedProtocolVersion, client::Resumption,
    client::Tls12Resumption, version,
};

use crate::options::Unimplemented;
use crate::settings::{Settings, TLS12, TLS13};
use clock::Clock;
use credentials::Resolver;
use sessions::Sessions;
use verifier::Verifier;

/// What rustls counts beside the plaintext of a record.
const RECORD_HEADER: usize = 5;

/// What the connections of one process have in common.
///
/// A session is resumed only with the same objects for certificates, so they are kept as long as
/// what they were made from does not change.
pub(crate) struct Setup {
    clock: Arc<Clock>,
    client_sessions: Arc<Sessions>,
    server_sessions: Arc<ServerSessionMemoryCache>,
    ticketer: Arc<dyn rustls::server::ProducesTickets>,
    verifier: Option<Arc<Verifier>>,
    resolver: Option<Arc<Resolver>>,
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
        Ok(Self {
            clock: Arc::default(),
            client_sessions: Arc::default(),
            server_sessions: ServerSessionMemoryCache::new(32),
            ticketer: aws_lc_rs::Ticketer::new().map_err(io::Error::other)?,
            verifier: None,
            resolver: None,
        })
    }

    pub(crate) fn client(
        &mut self,
        settings: &Settings,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), Unimplemented> {
        let provider = provider(settings)?;
        let verifier = self.verifier(&provider, settings)?;
        let builder = ClientConfig::builder_with_details(provider.clone(), self.clock.clone())
            .with_protocol_versions(&versions(settings)?)
            .map_err(unsupported)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let resolver = self.resolver(&provider, settings)?;
        let mut config = builder.with_client_cert_resolver(resolver);
        config.alpn_protocols = settings.alpn.clone();
        config.enable_early_data = settings.early_data;
        config.require_ems = settings.require_extended_master_secret;
        config.max_fragment_size = settings.largest_fragment.map(|size| size + RECORD_HEADER);
        config.resumption = Resumption::store(self.client_sessions.clone()).tls12_resumption(
            if settings.no_ticket {
                Tls12Resumption::SessionIdOnly
            } else {
                Tls12Resumption::SessionIdOrTickets
            },
        );
        let name = match &settings.host_name {
            Some(name) => ServerName::try_from(name.clone()).map_err(unsupported)?,
            // For an address no name is sent.
            None => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into()),
        };
        Ok((Arc::new(config), name))
    }

    pub(crate) fn server(
        &mut self,
        settings: &Settings,
    ) -> Result<Arc<ServerConfig>, Unimplemented> {
        let provider = provider(settings)?;
        let verifier = self.verifier(&provider, settings)?;
        let resolver = self.resolver(&provider, settings)?;
        if resolver.is_empty() {
            return Err(unsupported("a server without a certificate"));
        }
        let builder = ServerConfig::builder_with_details(provider, self.clock.clone())
            .with_protocol_versions(&versions(settings)?)
            .map_err(unsupported)?;
        let builder = match settings.request_certificate || settings.require_certificate {
            true => builder.with_client_cert_verifier(verifier),
            false => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(resolver);
        config.alpn_protocols = settings.alpn.clone();
        config.require_ems = settings.require_extended_master_secret;
        config.max_fragment_size = settings.largest_fragment.map(|size| size + RECORD_HEADER);
        config.session_storage = self.server_sessions.clone();
        if settings.early_data {
            // Only sessions that the server keeps are good for early data.
            config.max_early_data_size = 16 * 1024;
            config.send_half_rtt_data = true;
        } else if settings.no_ticket {
            config.send_tls13_tickets = 0;
        } else {
            config.ticketer = self.ticketer.clone();
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        Ok(Arc::new(config))
    }

    /// Puts the clock forward.
    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
    }

    /// What was seen of the connection whose configuration was made last.
    pub(crate) fn observed(&self) -> Observed {
        let (scheme, ocsp) = self.verifier.as_ref().map(|v| v.seen()).unwrap_or_default();
        Observed {
            scheme,
            ocsp,
            credential: self.resolver.as_ref().and_then(|resolver| resolver.used()),
            tickets: self.client_sessions.tickets(),
        }
    }

    fn verifier(
        &mut self,
        provider: &Arc<CryptoProvider>,
        settings: &Settings,
    ) -> Result<Arc<Verifier>, Unimplemented> {
        self.client_sessions.forget_tickets_seen();
        let verifier = match self.verifier.take() {
            Some(verifier) if verifier.is_for(settings) => verifier,
            _ => Arc::new(Verifier::new(provider, settings)?),
        };
        verifier.begin(settings);
        Ok(self.verifier.insert(verifier).clone())
    }

    fn resolver(
        &mut self,
        provider: &CryptoProvider,
        settings: &Settings,
    ) -> Result<Arc<Resolver>, Unimplemented> {
        let resolver = match self.resolver.take() {
            Some(resolver) if resolver.is_for(settings) => resolver,
            _ => Arc::new(Resolver::new(provider, settings)?),
        };
        resolver.begin();
        Ok(self.resolver.insert(resolver).clone())
    }
}

/// What rustls cannot do is not implemented.
fn unsupported(reason: impl ToString) -> Unimplemented {
    Unimplemented(reason.to_string())
}

fn provider(settings: &Settings) -> Result<Arc<CryptoProvider>, Unimplemented> {
    let mut provider = aws_lc_rs::default_provider();
    if !settings.groups.is_empty() {
        let groups = settings.groups.iter().map(|&group| group_of(group));
        provider.kx_groups = groups.collect::<Result<_, _>>()?;
    }
    Ok(Arc::new(provider))
}

fn group_of(number: u16) -> Result<&'static dyn SupportedKxGroup, Unimplemented> {
    let mut groups = aws_lc_rs::ALL_KX_GROUPS.iter();
    let group = groups.find(|group| group.name() == NamedGroup::from(number));
    group
        .copied()
        .ok_or_else(|| unsupported(format!("group {number}")))
}

fn versions(settings: &Settings) -> Result<Vec<&'static SupportedProtocolVersion>, Unimplemented> {
    let all = [(TLS13, &version::TLS13), (TLS12, &version::TLS12)];
    let offered = all
        .into_iter()
        .filter(|(number, _)| settings.offers(*number));
    let versions: Vec<_> = offered.map(|(_, version)| version).collect();
    match versions.is_empty() {
        true => Err(unsupported("no version that rustls knows")),
        false => Ok(versions),
    }
}
