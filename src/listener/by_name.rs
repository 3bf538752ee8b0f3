//! Configurations by server name.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use rustls::AlertDescription;
use rustls::pki_types::{DnsName, InvalidDnsNameError};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{HandshakeData, HandshakeResult, Handshaker, SharedConfig, Stage, look};
use crate::server::TlsStream;

/// A configuration for each server name that clients request: several certificates on one listener.
///
/// A name is exact (`www.one.example`) or has a wildcard as its first label (`*.one.example`), as in a
/// certificate. An exact name takes precedence over a wildcard, and a wildcard over the default. For
/// any other name, or none, the default is used; without a default the client receives the alert
/// `unrecognized_name`.
///
/// Each configuration can be replaced, like any [`SharedConfig`]. Clones share the configurations.
///
/// ```no_run
/// use pollback::listener::{ConfigsByName, PemFiles, SharedConfig, TlsListener};
/// use pollback::rustls::ServerConfig;
/// use std::time::Duration;
/// use tokio::net::TcpListener;
///
/// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
/// let mut configs = ConfigsByName::new();
/// for name in ["www.one.example", "*.two.example"] {
///     let path = name.replace('*', "any");
///     let files = PemFiles::new(format!("{path}.pem"), format!("{path}.key"), |chain, key| {
///         ServerConfig::builder()
///             .with_no_client_auth()
///             .with_single_cert(chain, key)
///     });
///     let config = SharedConfig::new(files.load()?);
///     configs = configs.with_name(name, config.clone())?;
///     tokio::spawn(files.watch(config, Duration::from_secs(10), |reloaded| {
///         if let Err(error) = reloaded {
///             eprintln!("still serving the old certificate: {error}");
///         }
///     }));
/// }
/// let listener = TlsListener::new(TcpListener::bind("0.0.0.0:443").await?, configs);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConfigsByName {
    names: Arc<Names>,
    default: Option<SharedConfig>,
}

#[derive(Clone, Debug, Default)]
struct Names {
    exact: HashMap<Box<str>, SharedConfig>,
    /// Keyed by the part after the first label.
    wildcards: HashMap<Box<str>, SharedConfig>,
}

impl ConfigsByName {
    /// Creates an empty set: every client is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses `config` for clients that request `name`. Replaces the previous configuration of this
    /// name, if any. Does not affect clones that were made before.
    ///
    /// # Errors
    ///
    /// If the name is not one that a client can request.
    pub fn with_name(
        mut self,
        name: &str,
        config: impl Into<SharedConfig>,
    ) -> Result<Self, InvalidDnsNameError> {
        let names = Arc::make_mut(&mut self.names);
        let (names, name) = match name.strip_prefix("*.") {
            Some(rest) => (&mut names.wildcards, rest),
            None => (&mut names.exact, name),
        };
        // In lower case, as rustls passes it.
        let name = DnsName::try_from(name)?.to_lowercase_owned();
        names.insert(name.as_ref().into(), config.into());
        Ok(self)
    }

    /// Uses `config` for all other clients. Does not affect clones that were made before.
    #[must_use]
    pub fn with_default(mut self, config: impl Into<SharedConfig>) -> Self {
        self.default = Some(config.into());
        self
    }

    /// Returns the configuration for a client that requests this name, or no name.
    pub fn find(&self, name: Option<&str>) -> Option<&SharedConfig> {
        let name = name.map(str::to_ascii_lowercase);
        let named = name.as_deref().and_then(|name| {
            let exact = self.names.exact.get(name);
            exact.or_else(|| self.names.wildcards.get(name.split_once('.')?.1))
        });
        named.or(self.default.as_ref())
    }
}

impl<IO> Handshaker<IO> for ConfigsByName
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsStream<IO>;
    type HandshakeData = HandshakeData;

    async fn handshake(
        self,
        io: IO,
        stage: &mut Stage,
    ) -> io::Result<(TlsStream<IO>, HandshakeData)> {
        let handshake = self.handshake_fallible(io, stage);
        handshake.await.map_err(|(error, _)| error)
    }

    async fn handshake_fallible(
        self,
        io: IO,
        stage: &mut Stage,
    ) -> HandshakeResult<TlsStream<IO>, HandshakeData, IO> {
        let hello = look::hello(io, stage).await?;
        let name = hello.client_hello().server_name().map(str::to_owned);
        match self.find(name.as_deref()) {
            Some(config) => Box::pin(config.accept(hello)).await,
            None => {
                let io = hello.refuse(AlertDescription::UnrecognisedName).await;
                let name = name.as_deref().unwrap_or("none");
                let error = format!("no configuration for the server name {name:?}");
                let error = io::Error::new(io::ErrorKind::NotFound, error);
                Err((error, Some(io)))
            }
        }
    }
}
