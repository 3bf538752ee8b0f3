//! Configurations of rustls 0.24.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use pollback::next::aws_lc_rs;
use pollback::next::rustls::client::{Resumption, Tls12Resumption};
use pollback::next::rustls::crypto::{CryptoProvider, TicketProducer};
use pollback::next::rustls::enums::ApplicationProtocol;
use pollback::next::rustls::server::{
    NoServerSessionStorage, ServerSessionMemoryCache, Tls13Tickets,
};
use pollback::next::rustls::{ClientConfig, ServerConfig};
use rustls::pki_types::ServerName;

use super::clock::Clock;
use super::credentials::{Next, Resolver};
use super::sessions::Sessions;
use super::verifier::Verifier;
use super::{
    EARLY_DATA, Handshake, RECORD_HEADER, SESSIONS, chosen, server_name, sessions, unsupported,
};
use crate::options::Unimplemented;
use crate::settings::{Settings, TLS12, TLS13};

/// Creates configurations.
pub(crate) struct Configs {
    clock: Arc<Clock>,
    handshake: Handshake,
    client_sessions: Arc<Sessions<sessions::Next>>,
    server_sessions: Arc<ServerSessionMemoryCache>,
    ticketer: Arc<dyn TicketProducer>,
}

impl Configs {
    pub(super) fn new(clock: &Arc<Clock>, handshake: &Handshake) -> io::Result<Self> {
        let factory = aws_lc_rs::DEFAULT_PROVIDER.ticketer_factory;
        let client_sessions = Sessions::new(sessions::Next::new(SESSIONS), handshake);
        Ok(Self {
            clock: clock.clone(),
            handshake: handshake.clone(),
            client_sessions: Arc::new(client_sessions),
            server_sessions: ServerSessionMemoryCache::new(SESSIONS),
            ticketer: factory.ticketer().map_err(io::Error::other)?,
        })
    }

    pub(crate) fn client(
        &self,
        settings: &Settings,
    ) -> Result<(Arc<ClientConfig>, ServerName<'static>), Unimplemented> {
        let provider = provider(settings)?;
        let verifier = self.verifier(&provider, settings)?;
        let resolver = Resolver::<Next>::new(&provider, settings, &self.handshake)?;
        let mut config = ClientConfig::builder_with_details(provider, self.clock.clone())
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_credential_resolver(Arc::new(resolver))
            .map_err(unsupported)?;
        config.alpn_protocols = protocols(settings);
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
        Ok((Arc::new(config), server_name(settings)?))
    }

    pub(crate) fn server(&self, settings: &Settings) -> Result<Arc<ServerConfig>, Unimplemented> {
        let provider = provider(settings)?;
        let verifier = self.verifier(&provider, settings)?;
        let resolver = Resolver::<Next>::new(&provider, settings, &self.handshake)?;
        if resolver.is_empty() {
            return Err(unsupported("a server without a certificate"));
        }
        let builder = ServerConfig::builder_with_details(provider, self.clock.clone());
        let builder = match settings.request_certificate || settings.require_certificate {
            true => builder.with_client_cert_verifier(verifier),
            false => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_server_credential_resolver(Arc::new(resolver))
            .map_err(unsupported)?;
        config.alpn_protocols = protocols(settings);
        config.require_ems = settings.require_extended_master_secret;
        config.max_fragment_size = settings.largest_fragment.map(|size| size + RECORD_HEADER);
        config.session_storage = self.server_sessions.clone();
        if settings.early_data {
            // Early data is possible only with sessions that the server stores.
            config.max_early_data_size = EARLY_DATA;
            config.send_half_rtt_data = true;
        } else if settings.no_ticket {
            config.send_tls13_tickets = Tls13Tickets { default: 0, max: 0 };
        } else {
            config.ticketer = Some(self.ticketer.clone());
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        Ok(Arc::new(config))
    }

    fn verifier(
        &self,
        provider: &CryptoProvider,
        settings: &Settings,
    ) -> Result<Arc<super::verifier::Next>, Unimplemented> {
        let algorithms = provider.signature_verification_algorithms;
        let supported = algorithms.supported_schemes();
        let verifier = Verifier::new(algorithms, &supported, settings, &self.handshake)?;
        Ok(Arc::new(verifier))
    }
}

/// The cryptography, which also determines the versions.
fn provider(settings: &Settings) -> Result<Arc<CryptoProvider>, Unimplemented> {
    let mut provider = aws_lc_rs::DEFAULT_PROVIDER;
    if !settings.offers(TLS12) {
        provider.tls12_cipher_suites = Cow::Borrowed(&[]);
    }
    if !settings.offers(TLS13) {
        provider.tls13_cipher_suites = Cow::Borrowed(&[]);
    }
    if !settings.groups.is_empty() {
        let all = aws_lc_rs::ALL_KX_GROUPS;
        let groups = chosen("group", &settings.groups, all, |one| one.name().into())?;
        provider.kx_groups = groups.into();
    }
    Ok(Arc::new(provider))
}

fn protocols(settings: &Settings) -> Vec<ApplicationProtocol<'static>> {
    let names = settings.alpn.iter().cloned();
    names.map(ApplicationProtocol::from).collect()
}
