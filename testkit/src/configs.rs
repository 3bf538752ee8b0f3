//! rustls configurations for both sides, made for one protocol version.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion, version};

use crate::certificates::{Authority, Identity};

/// A protocol version to run a test with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Version {
    /// Every version that rustls has, for tests that loop over them.
    pub const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    /// The version as rustls names it.
    pub fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::Tls12 => &version::TLS12,
            Self::Tls13 => &version::TLS13,
        }
    }
}

/// The name that the certificates are for.
///
/// # Panics
///
/// Never: it is a valid name.
pub fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a valid name")
}

/// The cryptography that every configuration uses.
///
/// Passed explicitly, since a build with all features has two providers and therefore no default.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The settings shared by the configurations of both sides.
///
/// Each call of [`client`](Self::client) and [`server`](Self::server) returns a new configuration.
/// Tickets are valid only for the configuration that issued them, so a test of resumption keeps
/// both.
#[derive(Clone, Debug)]
pub struct Setup {
    version: Version,
    alpn: Vec<Vec<u8>>,
    client_auth: bool,
    early_data: u32,
}

impl Setup {
    /// One protocol version, no ALPN, no client certificate, no early data.
    pub fn new(version: Version) -> Self {
        Self {
            version,
            alpn: Vec::new(),
            client_auth: false,
            early_data: 0,
        }
    }

    /// Both sides speak these protocols, the preferred one first.
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        self
    }

    /// The server requires a client certificate, and the client has one.
    pub fn client_auth(mut self) -> Self {
        self.client_auth = true;
        self
    }

    /// Whether the server requires a client certificate.
    pub fn is_client_auth(&self) -> bool {
        self.client_auth
    }

    /// The server accepts at most this many bytes of early data, and the client sends early data
    /// when it can.
    pub fn early_data(mut self, limit: u32) -> Self {
        self.early_data = limit;
        self
    }

    /// A configuration for a client that trusts [`Authority::shared`].
    pub fn client(&self) -> ClientConfig {
        self.client_trusting(Authority::shared())
    }

    /// A configuration for a client that trusts only `authority`.
    pub fn client_trusting(&self, authority: &Authority) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[self.version.supported()])
            .expect("the provider has cipher suites for the version")
            .with_root_certificates(authority.roots());
        let mut config = if self.client_auth {
            let identity = Authority::shared().client("test client");
            builder
                .with_client_auth_cert(identity.chain(), identity.key())
                .expect("a usable client certificate")
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols.clone_from(&self.alpn);
        config.enable_early_data = self.early_data > 0;
        config
    }

    /// A configuration for a server with a certificate for `localhost` and 127.0.0.1.
    pub fn server(&self) -> ServerConfig {
        self.server_with(&Authority::shared().server())
    }

    /// A configuration for a server with another certificate.
    pub fn server_with(&self, identity: &Identity) -> ServerConfig {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[self.version.supported()])
            .expect("the provider has cipher suites for the version");
        let builder = if self.client_auth {
            let roots = Arc::new(Authority::shared().roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                .build()
                .expect("a usable root store");
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder
            .with_single_cert(identity.chain(), identity.key())
            .expect("a usable server certificate");
        config.alpn_protocols.clone_from(&self.alpn);
        config.max_early_data_size = self.early_data;
        config
    }
}
