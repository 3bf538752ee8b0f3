//! Configurations of rustls 0.23.

use std::io;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, ProducesTickets, ServerSessionMemoryCache};
use rustls::{
    ClientConfig, ServerConfig, SupportedProtocolVersion, client::Resumption,
    client::Tls12Resumption, version,
};

use super::clock::Clock;
use super::credentials::{Current, Resolver};
use super::sessions::Sessions;
use super::verifier::Verifier;
use super::{
    EARLY_DATA, Handshake, RECORD_HEADER, SESSIONS, chosen, server_name, sessions, unsupported,
};
use crate::options::Unimplemented;
use crate::settings::{Settings, TLS12, TLS13};

/// Creates configurations.
///
/// A session is resumed only with the same certificate objects, so these are kept as long as their
/// settings do not change.
pub(crate) struct Configs {
    clock: Arc<Clock>,
    handshake: Handshake,
    client_sessions: Arc<Sessions<sessions::Current>>,
    server_sessions: Arc<ServerSessionMemoryCache>,
    ticketer: Arc<dyn ProducesTickets>,
    verifier: Option<Arc<super::verifier::Current>>,
    resolver: Option<Arc<Resolver<Current>>>,
}

impl Configs {
    pub(super) fn new(clock: &Arc<Clock>, handshake: &Handshake) -> io::Result<Self> {
        let client_sessions = Sessions::new(sessions::Current::new(SESSIONS), handshake);
        Ok(Self {
            clock: clock.clone(),
            handshake: handshake.clone(),
            client_sessions: Arc::new(client_sessions),
            server_sessions: ServerSessionMemoryCache::new(SESSIONS),
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
        Ok((Arc::new(config), server_name(settings)?))
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
            // Early data is possible only with sessions that the server stores.
            config.max_early_data_size = EARLY_DATA;
            config.send_half_rtt_data = true;
        } else if settings.no_ticket {
            config.send_tls13_tickets = 0;
        } else {
            config.ticketer = self.ticketer.clone();
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        Ok(Arc::new(config))
    }

    fn verifier(
        &mut self,
        provider: &CryptoProvider,
        settings: &Settings,
    ) -> Result<Arc<super::verifier::Current>, Unimplemented> {
        let verifier = match self.verifier.take() {
            Some(verifier) if verifier.is_for(settings) => verifier,
            _ => {
                let algorithms = provider.signature_verification_algorithms;
                let supported = algorithms.supported_schemes();
                Arc::new(Verifier::new(
                    algorithms,
                    &supported,
                    settings,
                    &self.handshake,
                )?)
            }
        };
        Ok(self.verifier.insert(verifier).clone())
    }

    fn resolver(
        &mut self,
        provider: &CryptoProvider,
        settings: &Settings,
    ) -> Result<Arc<Resolver<Current>>, Unimplemented> {
        let resolver = match self.resolver.take() {
            Some(resolver) if resolver.is_for(settings) => resolver,
            _ => Arc::new(Resolver::new(provider, settings, &self.handshake)?),
        };
        Ok(self.resolver.insert(resolver).clone())
    }
}

fn provider(settings: &Settings) -> Result<Arc<CryptoProvider>, Unimplemented> {
    let mut provider = aws_lc_rs::default_provider();
    if !settings.groups.is_empty() {
        let all = aws_lc_rs::ALL_KX_GROUPS;
        provider.kx_groups = chosen("group", &settings.groups, all, |one| one.name().into())?;
    }
    Ok(Arc::new(provider))
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
