//! The same server on rustls 0.24.

use std::borrow::Cow;
use std::sync::Arc;

use pollback::next::rustls::crypto::Identity;
use pollback::next::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use pollback::next::rustls::{RootCertStore, ServerConfig, ServerSide};
use pollback::next::{Connection, TlsAcceptor, aws_lc_rs};
use pollback::rustls::version;

use crate::options::Options;
use crate::{BoxError, EARLY_DATA, Facts, identity, pem};

pub(crate) fn acceptor(options: &Options) -> Result<TlsAcceptor, BoxError> {
    let acceptor = TlsAcceptor::from(Arc::new(config(options)?));
    Ok(acceptor.early_data(options.early_data))
}

fn config(options: &Options) -> Result<ServerConfig, BoxError> {
    let (chain, key) = identity(options)?;
    let mut provider = aws_lc_rs::DEFAULT_PROVIDER;
    let speaks = |version| options.versions.is_empty() || options.versions.contains(&version);
    if !speaks(&version::TLS12) {
        provider.tls12_cipher_suites = Cow::Borrowed(&[]);
    }
    if !speaks(&version::TLS13) {
        provider.tls13_cipher_suites = Cow::Borrowed(&[]);
    }
    let provider = Arc::new(provider);
    let builder = ServerConfig::builder(Arc::clone(&provider));
    let builder = match &options.client_roots {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            pem::add_roots(path, |certificate| roots.add(certificate))?;
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots), &provider).build()?;
            builder.with_client_cert_verifier(Arc::new(verifier))
        }
        None => builder.with_client_cert_verifier(Arc::new(NoClientAuth)),
    };
    let mut config = builder.with_single_cert(Arc::new(Identity::from_cert_chain(chain)?), key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec().into()];
    if options.tickets {
        config.ticketer = Some(provider.ticketer_factory.ticketer()?);
    }
    if options.early_data {
        config.max_early_data_size = EARLY_DATA;
        config.send_half_rtt_data = true;
    }
    Ok(config)
}

pub(crate) fn facts(connection: &Connection<ServerSide>) -> Facts {
    Facts {
        version: connection.protocol_version().map(|it| format!("{it:?}")),
        alpn: connection.alpn_protocol().map(|it| it.as_ref().to_vec()),
        handshake: connection.handshake_kind().map(|it| format!("{it:?}")),
        has_certificate: connection.peer_identity().is_some(),
    }
}
