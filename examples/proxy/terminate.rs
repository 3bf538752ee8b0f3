//! TLS termination.

use std::path::Path;
use std::sync::Arc;

use pollback::hello::ClientHello;
use pollback::listener::{PemFiles, PemPart};
use pollback::rustls::server::ProducesTickets;
use pollback::rustls::{self, ServerConfig, crypto};

use crate::problem::Problem;
use crate::settings;

/// The configurations of a route, which differ in the application protocols they offer.
#[derive(Debug)]
pub(crate) struct Terminate {
    all: Arc<ServerConfig>,
    none: Arc<ServerConfig>,
    /// In the order of preference.
    one: Vec<(Vec<u8>, Arc<ServerConfig>)>,
}

impl Terminate {
    pub(crate) fn new(
        settings: &settings::Terminate,
        folder: &Path,
        tickets: &Arc<dyn ProducesTickets>,
    ) -> Result<Self, Problem> {
        let mut none = load(settings, folder)?;
        none.ticketer = Arc::clone(tickets);
        let allowing = |protocols: Vec<Vec<u8>>| {
            let mut config = none.clone();
            config.alpn_protocols = protocols;
            Arc::new(config)
        };
        let mut one = Vec::new();
        for protocol in &settings.alpn {
            if !(1..=255).contains(&protocol.get_ref().len()) {
                let message = "expected a name of 1 to 255 bytes";
                return Err(Problem::at(protocol.span(), message));
            }
            let protocol = protocol.get_ref().clone().into_bytes();
            one.push((protocol.clone(), allowing(vec![protocol])));
        }
        let all = one.iter().map(|(protocol, _)| protocol.clone());
        Ok(Self {
            all: allowing(all.collect()),
            none: Arc::new(none),
            one,
        })
    }

    /// The application protocols that the client and this route have in common.
    pub(crate) fn common(&self, hello: &ClientHello) -> Vec<Vec<u8>> {
        let Some(offered) = hello.alpn() else {
            return Vec::new();
        };
        let offered: Vec<_> = offered.collect();
        let protocols = self.one.iter().map(|(protocol, _)| protocol);
        let common = protocols.filter(|protocol| offered.contains(&protocol.as_slice()));
        common.cloned().collect()
    }

    /// For clients whose protocol is chosen here.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.all)
    }

    /// For a client whose protocol has been chosen already; `None` means no protocol.
    pub(crate) fn config_for(&self, chosen: Option<&[u8]>) -> Arc<ServerConfig> {
        let mut one = self.one.iter();
        let found = chosen.and_then(|chosen| one.find(|(protocol, _)| protocol == chosen));
        Arc::clone(found.map_or(&self.none, |(_, config)| config))
    }
}

fn load(settings: &settings::Terminate, folder: &Path) -> Result<ServerConfig, Problem> {
    let chain = folder.join(settings.chain.get_ref());
    let key = folder.join(settings.key.get_ref());
    let files = PemFiles::new(chain, key, |chain, key| {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok::<_, rustls::Error>(config)
    });
    files.load().map_err(|error| {
        let (span, expected) = match error.part() != PemPart::Key {
            true => (settings.chain.span(), "a certificate chain"),
            false => (settings.key.span(), "a private key"),
        };
        let message = match matches!(error.part(), PemPart::Chain | PemPart::Key) {
            true => format!("{error}; expected {expected} in PEM"),
            false => error.to_string(),
        };
        Problem::at(span, message)
    })
}
