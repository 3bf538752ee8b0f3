//! The way to a backend.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pollback::TlsConnector;
use pollback::proxy_protocol::{ProxiedAddress, ProxyHeader};
use pollback::rustls::pki_types::pem::PemObject;
use pollback::rustls::pki_types::{CertificateDer, ServerName};
use pollback::rustls::{ClientConfig, RootCertStore, crypto};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

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
    pub(crate) idle_timeout: Duration,
}

/// What a backend is told of a client.
pub(crate) struct Introduction<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) server_name: Option<&'a str>,
    pub(crate) alpn: Option<&'a [u8]>,
}

impl Backend {
    pub(crate) fn new(
        name: &str,
        settings: &settings::Backend,
        folder: &Path,
    ) -> Result<Self, Problem> {
        let address = settings.address.get_ref();
        let host = match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => host,
            _ => {
                let message = "expected HOST:PORT";
                return Err(Problem::at(settings.address.span(), message));
            }
        };
        let tls = match &settings.tls {
            Some(tls) => Some((connector(tls, folder)?, server_name(settings, tls, host)?)),
            None => None,
        };
        Ok(Self {
            name: name.to_owned(),
            address: address.clone(),
            tls,
            proxy_protocol: settings.proxy_protocol,
            connect_timeout: settings.connect_timeout_ms.into(),
            idle_timeout: settings.idle_timeout_ms.into(),
        })
    }

    pub(crate) fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Makes a connection, over which the backend has been told of the client.
    pub(crate) async fn connect(
        &self,
        client: &Introduction<'_>,
    ) -> io::Result<Box<dyn Transport>> {
        match timeout(self.connect_timeout, self.reach(client)).await {
            Ok(reached) => reached,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the backend takes too long",
            )),
        }
    }

    async fn reach(&self, client: &Introduction<'_>) -> io::Result<Box<dyn Transport>> {
        let mut tcp = TcpStream::connect(&self.address).await?;
        tcp.set_nodelay(true)?;
        if let Some(version) = self.proxy_protocol {
            tcp.write_all(&client.header(version)?).await?;
        }
        let Some((connector, name)) = &self.tls else {
            return Ok(Box::new(tcp));
        };
        let alpn = client.alpn.map(<[u8]>::to_vec).into_iter().collect();
        let connect = connector.with_alpn(alpn).connect(name.clone(), tcp);
        Ok(Box::new(connect.await?))
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
        // An IPv4 address that came in through an IPv6 socket is told as what it is.
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
                if let Some(alpn) = self.alpn {
                    header = header.with_alpn(alpn);
                }
                Ok(header.to_v2()?)
            }
        }
    }
}

fn connector(tls: &settings::Tls, folder: &Path) -> Result<TlsConnector, Problem> {
    let mut trusted = RootCertStore::empty();
    match &tls.roots {
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
        // Without any, no backend is trusted, and the log says so for each connection.
        None => {
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}

fn server_name(
    backend: &settings::Backend,
    tls: &settings::Tls,
    host: &str,
) -> Result<ServerName<'static>, Problem> {
    let (name, span) = match &tls.name {
        Some(name) => (name.get_ref().as_str(), name.span()),
        // An IPv6 address stands in brackets only where a port follows.
        None => (host.trim_matches(['[', ']']), backend.address.span()),
    };
    ServerName::try_from(name.to_owned())
        .map_err(|_| Problem::at(span, "expected a name that a certificate can have"))
}
