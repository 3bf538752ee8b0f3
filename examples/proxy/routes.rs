//! What becomes of which client: the configuration, checked and with its files read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pollback::listener::{PemFiles, PemPart};
use pollback::rustls::pki_types::DnsName;
use pollback::rustls::server::ProducesTickets;
use pollback::rustls::{ServerConfig, crypto};
use toml::Spanned;

use crate::backend::Backend;
use crate::problem::{Located, Problem};
use crate::settings::{self, Listen, Settings};

/// The routes, by the names as they are written, in lower case.
pub(crate) struct Routes(BTreeMap<String, Arc<Route>>);

/// Where the clients of a name go.
#[derive(Debug)]
pub(crate) struct Route {
    /// The name as it is written.
    pub(crate) name: String,
    /// How TLS is terminated, if it is.
    pub(crate) terminate: Option<Arc<ServerConfig>>,
    pub(crate) backend: Arc<Backend>,
}

/// Reads a configuration and the files that it names. `tickets` are taken from the clients of all
/// configurations that were made with them.
pub(crate) fn load(
    path: &Path,
    tickets: &Arc<dyn ProducesTickets>,
    check: impl FnOnce(&Spanned<Listen>) -> Result<(), Problem>,
) -> Result<(Listen, Routes), Located> {
    let unreadable = |error| Located::new(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let folder = path.parent().unwrap_or(path);
    toml::from_str(&text)
        .map_err(Problem::from)
        .and_then(|settings: Settings| {
            check(&settings.listen)?;
            let routes = Routes::new(&settings, folder, tickets)?;
            Ok((settings.listen.into_inner(), routes))
        })
        .map_err(|problem| problem.in_file(path, &text))
}

impl Routes {
    fn new(
        settings: &Settings,
        folder: &Path,
        tickets: &Arc<dyn ProducesTickets>,
    ) -> Result<Self, Problem> {
        let mut backends = BTreeMap::new();
        for (name, backend) in &settings.backend {
            backends.insert(name, Arc::new(Backend::new(name, backend, folder)?));
        }
        let mut routes = BTreeMap::new();
        for route in settings.route.get_ref() {
            let wanted = &route.backend;
            let Some(backend) = backends.get(wanted.get_ref()) else {
                let known: Vec<_> = backends.keys().map(|name| format!("{name:?}")).collect();
                return Err(Problem::at(
                    wanted.span(),
                    format!("no such backend, expected one of {}", known.join(", ")),
                ));
            };
            if route.terminate.is_none() && backend.has_tls() {
                let message = "a route without `terminate` passes TLS through, expected a backend \
                               without `tls`";
                return Err(Problem::at(wanted.span(), message));
            }
            let terminate = match &route.terminate {
                Some(terminate) => Some(Arc::new(accept(terminate, folder, tickets)?)),
                None => None,
            };
            if route.names.get_ref().is_empty() {
                return Err(Problem::at(
                    route.names.span(),
                    "expected at least one name",
                ));
            }
            for name in route.names.get_ref() {
                let route = Route {
                    name: checked(name)?,
                    terminate: terminate.clone(),
                    backend: Arc::clone(backend),
                };
                if let Some(twice) = routes.insert(route.name.clone(), Arc::new(route)) {
                    let message = format!("{:?} has a route already", twice.name);
                    return Err(Problem::at(name.span(), message));
                }
            }
        }
        if routes.is_empty() {
            let message = "expected at least one route";
            return Err(Problem::at(settings.route.span(), message));
        }
        Ok(Self(routes))
    }

    /// The route of the clients that ask for a server of this name, or for none.
    pub(crate) fn find(&self, server_name: Option<&str>) -> Option<&Arc<Route>> {
        let name = server_name.unwrap_or("*").to_ascii_lowercase();
        let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        self.0
            .get(&name)
            .or_else(|| self.0.get(&wildcard?))
            .or_else(|| self.0.get("*"))
    }
}

fn checked(name: &Spanned<String>) -> Result<String, Problem> {
    let lower = name.get_ref().to_ascii_lowercase();
    let rest = lower.strip_prefix("*.").unwrap_or(&lower);
    if lower != "*" && DnsName::try_from(rest).is_err() {
        let message = "not a name of a server, expected one like \"one.example\", \
                       \"*.one.example\" or \"*\"";
        return Err(Problem::at(name.span(), message));
    }
    Ok(lower)
}

fn accept(
    terminate: &settings::Terminate,
    folder: &Path,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<ServerConfig, Problem> {
    let mut protocols = Vec::new();
    for protocol in &terminate.alpn {
        if !(1..=255).contains(&protocol.get_ref().len()) {
            let message = "expected a name of 1 to 255 bytes";
            return Err(Problem::at(protocol.span(), message));
        }
        protocols.push(protocol.get_ref().clone().into_bytes());
    }
    let chain = folder.join(terminate.chain.get_ref());
    let key = folder.join(terminate.key.get_ref());
    let files = PemFiles::new(chain, key, |chain, key| {
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok::<_, rustls::Error>(config)
    });
    let mut config = files.load().map_err(|error| {
        let (span, expected) = match error.part() != PemPart::Key {
            true => (terminate.chain.span(), "a certificate chain"),
            false => (terminate.key.span(), "a private key"),
        };
        let message = match matches!(error.part(), PemPart::Chain | PemPart::Key) {
            true => format!("{error}; expected {expected} in PEM"),
            false => error.to_string(),
        };
        Problem::at(span, message)
    })?;
    config.alpn_protocols = protocols;
    config.ticketer = Arc::clone(tickets);
    Ok(config)
}
