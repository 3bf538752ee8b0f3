//! The routes of clients: the configuration, validated, with its files loaded.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pollback::rustls::pki_types::DnsName;
use pollback::rustls::server::ProducesTickets;
use toml::Spanned;

use crate::backend::Backend;
use crate::problem::{Located, Problem};
use crate::settings::{Listen, Settings};
use crate::terminate::Terminate;

/// All routes.
pub(crate) struct Routes {
    /// Keyed by the names as written, in lower case.
    by_name: BTreeMap<String, Arc<Route>>,
    backends: BTreeMap<String, Arc<Backend>>,
}

/// The route of one name.
#[derive(Debug)]
pub(crate) struct Route {
    /// The name as written.
    pub(crate) name: String,
    /// How TLS is terminated, if at all.
    pub(crate) terminate: Option<Arc<Terminate>>,
    pub(crate) backend: Arc<Backend>,
}

/// Loads a configuration and the files that it names. `tickets` are accepted from clients of all
/// configurations created with the same ones. Connections from the `last` configuration remain
/// counted.
pub(crate) fn load(
    path: &Path,
    tickets: &Arc<dyn ProducesTickets>,
    last: Option<&Routes>,
    check: impl FnOnce(&Spanned<Listen>) -> Result<(), Problem>,
) -> Result<(Listen, Routes), Located> {
    let unreadable = |error| Located::new(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let folder = path.parent().unwrap_or(path);
    toml::from_str(&text)
        .map_err(Problem::from)
        .and_then(|settings: Settings| {
            check(&settings.listen)?;
            let routes = Routes::new(&settings, folder, tickets, last)?;
            Ok((settings.listen.into_inner(), routes))
        })
        .map_err(|problem| problem.in_file(path, &text))
}

impl Routes {
    fn new(
        settings: &Settings,
        folder: &Path,
        tickets: &Arc<dyn ProducesTickets>,
        last: Option<&Self>,
    ) -> Result<Self, Problem> {
        let mut backends = BTreeMap::new();
        for (name, settings) in &settings.backend {
            let last = last.and_then(|last| last.backends.get(name));
            let backend = Backend::new(name, settings, folder, last.map(Arc::as_ref))?;
            backends.insert(name.clone(), Arc::new(backend));
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
                Some(terminate) => Some(Arc::new(Terminate::new(terminate, folder, tickets)?)),
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
                    let message = format!("{:?} already has a route", twice.name);
                    return Err(Problem::at(name.span(), message));
                }
            }
        }
        if routes.is_empty() {
            let message = "expected at least one route";
            return Err(Problem::at(settings.route.span(), message));
        }
        Ok(Self {
            by_name: routes,
            backends,
        })
    }

    /// The route of clients that request this server name, or none.
    pub(crate) fn find(&self, server_name: Option<&str>) -> Option<&Arc<Route>> {
        let name = server_name.unwrap_or("*").to_ascii_lowercase();
        // A dot at the end, which no client should send, names the same server.
        let name = name.strip_suffix('.').unwrap_or(&name);
        let routes = &self.by_name;
        let wildcard = || {
            let (_, parent) = name.split_once('.')?;
            routes.get(&format!("*.{parent}"))
        };
        routes
            .get(name)
            .or_else(wildcard)
            .or_else(|| routes.get("*"))
    }
}

fn checked(name: &Spanned<String>) -> Result<String, Problem> {
    let lower = name.get_ref().to_ascii_lowercase();
    let rest = lower.strip_prefix("*.").unwrap_or(&lower);
    if lower != "*" && DnsName::try_from(rest).is_err() {
        let message = "not a server name, expected one like \"one.example\", \
                       \"*.one.example\" or \"*\"";
        return Err(Problem::at(name.span(), message));
    }
    Ok(lower)
}
