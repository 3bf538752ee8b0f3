//! The same client on rustls 0.24.

use std::borrow::Cow;
use std::sync::Arc;

use pollback::next::rustls::crypto::Identity;
use pollback::next::rustls::{ClientConfig, ClientSide, RootCertStore};
use pollback::next::{Connection, TlsConnector, aws_lc_rs};
use pollback::rustls::version;

use crate::{BoxError, Options, described, name, pem};

pub(crate) fn connector(options: &Options) -> Result<TlsConnector, BoxError> {
    let connector = TlsConnector::from(Arc::new(config(options)?));
    Ok(connector.early_data(options.early_data))
}

fn config(options: &Options) -> Result<ClientConfig, BoxError> {
    let mut provider = aws_lc_rs::DEFAULT_PROVIDER;
    let speaks = |version| options.versions.is_empty() || options.versions.contains(&version);
    if !speaks(&version::TLS12) {
        provider.tls12_cipher_suites = Cow::Borrowed(&[]);
    }
    if !speaks(&version::TLS13) {
        provider.tls13_cipher_suites = Cow::Borrowed(&[]);
    }
    let path = options.root.as_ref().ok_or("--next requires --root")?;
    let mut roots = RootCertStore::empty();
    pem::add_roots(path, |certificate| roots.add(certificate))?;
    let builder = ClientConfig::builder(Arc::new(provider)).with_root_certificates(roots);
    let mut config = match &options.identity {
        Some((chain, key)) => {
            let (chain, key) = pem::identity(chain, key)?;
            let identity = Arc::new(Identity::from_cert_chain(chain)?);
            builder.with_client_auth_cert(identity, key)?
        }
        None => builder.with_no_client_auth()?,
    };
    config.enable_early_data = options.early_data;
    let protocols = options.protocols().into_iter().map(Into::into);
    config.alpn_protocols = protocols.collect();
    Ok(config)
}

pub(crate) fn negotiated(connection: &Connection<ClientSide>) -> String {
    let suite = connection.negotiated_cipher_suite();
    let group = connection.negotiated_key_exchange_group();
    described([
        name(connection.protocol_version()),
        name(suite.map(|suite| suite.suite())),
        name(group.map(|group| group.name())),
        match connection.alpn_protocol() {
            Some(protocol) => protocol.as_ref().escape_ascii().to_string(),
            None => "none".to_owned(),
        },
        name(connection.handshake_kind()),
    ])
}
