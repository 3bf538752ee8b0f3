//! Connections to backends.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pollback::proxy_protocol::{ProxiedAddress, ProxyHeader};
use pollback::rustls::pki_types::pem::PemObject;
use pollback::rustls::pki_types::{CertificateDer, ServerName};
use pollback::rustls::{ClientConfig, RootCertStore, crypto};
use pollback::{Options, TlsConnector};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use toml::Spanned;

use crate::problem::Problem;
use crate::settings::{self, ProxyProtocol};
use crate::transport::Transport;

/// A backend, and how it is reached.
pub(crate) struct Backend {
    pub(crate) name: String,
    address: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    proxy_protocol: Option<ProxyProtocol>,
    connect_timeout: Duration,
    limit: Option<Limit>,
    pub(crate) idle_timeout: Duration,
    pub(crate) time_limit: Option<Duration>,
    pub(crate) byte_limit: Option<u64>,
}

/// The maximum number of simultaneous connections.
#[derive(Clone)]
struct Limit {
    connections: usize,
    free: Arc<Semaphore>,
}

/// The client, as described to the backend.
pub(crate) struct Introduction<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) server_name: Option<&'a str>,
    /// The application protocols that the backend may choose from. A single one means that the
    /// choice has been made.
    pub(crate) alpn: Vec<Vec<u8>>,
}

/// A connection to a backend.
pub(crate) struct Reached {
    pub(crate) transport: Box<dyn Transport>,
    /// The protocol that the backend has chosen.
    pub(crate) alpn: Option<Vec<u8>>,
    /// Counts the connection while it is open.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
}

/// The options of the proxy's own TLS streams: a relay flushes when there is nothing more to send,
/// and moves up to 128 KiB at a time.
pub(crate) const BATCHED: Options = Options::new()
    .with_batched_writes(true)
    .with_send_buffer_limit(128 * 1024);

impl Backend {
    pub(crate) fn new(
        name: &str,
        settings: &settings::Backend,
        folder: &Path,
        last: Option<&Self>,
    ) -> Result<Self, Problem> {
        let address = settings.address.get_ref();
        let host = host(&settings.address)?;
        let tls = match &settings.tls {
            Some(tls) => Some((connector(tls, folder)?, server_name(settings, tls, host)?)),
            None => None,
        };
        let limit = settings.connection_limit.map(|connections| {
            let connections = connections.into();
            let same = last.and_then(|last| last.limit.as_ref());
            let same = same.filter(|limit| limit.connections == connections);
            same.cloned().unwrap_or_else(|| Limit {
                connections,
                free: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))),
            })
        });
        Ok(Self {
            name: name.to_owned(),
            address: address.clone(),
            tls,
            proxy_protocol: settings.proxy_protocol,
            connect_timeout: settings.connect_timeout_ms.into(),
            limit,
            idle_timeout: settings.idle_timeout_ms.into(),
            time_limit: settings.time_limit_ms.map(Duration::from),
            byte_limit: settings.byte_limit.map(NonZero::get),
        })
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub(crate) fn speaks_proxy_protocol(&self) -> bool {
        self.proxy_protocol.is_some()
    }

    /// Connects, and sends the client's PROXY header to the backend.
    pub(crate) async fn connect(&self, client: &Introduction<'_>) -> io::Result<Reached> {
        let deadline = Instant::now() + self.connect_timeout;
        let late = |reason| io::Error::new(io::ErrorKind::TimedOut, reason);
        let permit = match &self.limit {
            Some(limit) => {
                let permit = Arc::clone(&limit.free).acquire_owned();
                let permit = timeout_at(deadline, permit).await;
                let permit = permit.map_err(|_| late("the backend is at its connection limit"))?;
                Some(permit.expect("the semaphore is never closed"))
            }
            None => None,
        };
        let reached = timeout_at(deadline, self.reach(client)).await;
        let (transport, alpn) =
            reached.map_err(|_| late("connecting to the backend took too long"))??;
        Ok(Reached {
            transport,
            alpn,
            permit,
        })
    }

    async fn reach(
        &self,
        client: &Introduction<'_>,
    ) -> io::Result<(Box<dyn Transport>, Option<Vec<u8>>)> {
        let mut tcp = TcpStream::connect(&self.address).await?;
        tcp.set_nodelay(true)?;
        if let Some(version) = self.proxy_protocol {
            tcp.write_all(&client.header(version)?).await?;
        }
        let Some((connector, name)) = &self.tls else {
            return Ok((Box::new(tcp), None));
        };
        let connector = connector.with_alpn(client.alpn.clone());
        let stream = connector.connect(name.clone(), tcp).await?;
        let alpn = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        Ok((Box::new(stream), alpn))
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Introduction<'_> {
    fn header(&self, version: ProxyProtocol) -> io::Result<Vec<u8>> {
        // A client that connected over IPv4 to an IPv6 socket is reported with its IPv4 address.
        let canonical =
            |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let addresses = ProxiedAddress::stream(canonical(self.source), canonical(self.destination));
        let mut header = ProxyHeader::new(addresses);
        match version {
            ProxyProtocol::V1 => Ok(header.to_v1()),
            ProxyProtocol::V2 => {
                if let Some(name) = self.server_name {
                    header = header.with_authority(name);
                }
                if let [alpn] = &self.alpn[..] {
                    header = header.with_alpn(alpn);
                }
                Ok(header.to_v2()?)
            }
        }
    }
}

/// The host of an address, which must be suitable for looking up and connecting.
fn host(address: &Spanned<String>) -> Result<&str, Problem> {
    let problem = |message: &str| Err(Problem::at(address.span(), message));
    if address.get_ref().contains("://") {
        return problem("expected HOST:PORT, without a scheme before it");
    }
    let Some((host, port)) = address.get_ref().rsplit_once(':') else {
        return problem("expected HOST:PORT");
    };
    let is_name = |host: &str| {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        !host.is_empty()
            && host.bytes().all(part)
            && !host.rsplit('.').next().is_some_and(is_number)
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match bracketed {
        Some(host) => host.parse::<Ipv6Addr>().is_ok(),
        // A host that ends in a number is an IP address, or invalid.
        None => is_name(host) || host.parse::<Ipv4Addr>().is_ok(),
    };
    match port.parse::<u16>() {
        Ok(1..) if is_host && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(host),
        Ok(0) => problem("expected HOST:PORT, with a port that is not 0"),
        _ => problem("expected HOST:PORT, like \"one.example:80\" or \"[::1]:80\""),
    }
}

fn connector(tls: &Spanned<settings::Tls>, folder: &Path) -> Result<TlsConnector, Problem> {
    let mut trusted = RootCertStore::empty();
    match &tls.get_ref().roots {
        Some(roots) => {
            let path = folder.join(roots.get_ref());
            let problem = |error: &dyn fmt::Display| {
                Problem::at(roots.span(), format!("{}: {error}", path.display()))
            };
            let certificates =
                CertificateDer::pem_file_iter(&path).map_err(|error| problem(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| problem(&error))?;
                trusted.add(certificate).map_err(|error| problem(&error))?;
            }
            if trusted.is_empty() {
                return Err(problem(&"no PEM certificate in it"));
            }
        }
        None => {
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if trusted.is_empty() {
                let message = "the system has no certificates to trust, expected `roots`";
                return Err(Problem::at(tls.span(), message));
            }
        }
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)).with_options(BATCHED))
}

fn server_name(
    backend: &settings::Backend,
    tls: &Spanned<settings::Tls>,
    host: &str,
) -> Result<ServerName<'static>, Problem> {
    let (name, span) = match &tls.get_ref().name {
        Some(name) => (name.get_ref().as_str(), name.span()),
        // An IPv6 address is in brackets only if a port follows.
        None => (host.trim_matches(['[', ']']), backend.address.span()),
    };
    ServerName::try_from(name.to_owned())
        .map_err(|_| Problem::at(span, "expected a name that a certificate can have"))
}
