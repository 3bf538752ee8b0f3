//! PEM files, read with errors that name the file.

use std::error::Error;
use std::fmt::Display;
use std::path::Path;

use pollback::rustls::RootCertStore;
use pollback::rustls::pki_types::pem::{self, PemObject};
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A chain, the end-entity certificate first, and its key.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

pub(crate) fn identity(chain: &Path, key: &Path) -> Result<Identity, Box<dyn Error + Send + Sync>> {
    let certificates =
        certificates(chain).map_err(|e| format!("certificate file {}: {e}", chain.display()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|e| match e {
        pem::Error::NoItemsFound => format!("key file {}: no PEM private key in it", key.display()),
        e => format!("key file {}: {e}", key.display()),
    })?;
    Ok((certificates, key))
}

/// The trusted root certificates.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore, Box<dyn Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    add_roots(path, |certificate| roots.add(certificate))?;
    Ok(roots)
}

/// Adds them to a root store of either version of rustls.
pub(crate) fn add_roots<E: Display>(
    path: &Path,
    mut add: impl FnMut(CertificateDer<'static>) -> Result<(), E>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    certificates(path)
        .and_then(|certificates| {
            certificates.into_iter().try_for_each(|certificate| {
                add(certificate).map_err(|e| format!("a certificate in it cannot be used: {e}"))
            })
        })
        .map_err(|e| format!("root file {}: {e}", path.display()).into())
}

/// Returns at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| e.to_string())?;
    if certificates.is_empty() {
        return Err("no PEM certificate in it".to_owned());
    }
    Ok(certificates)
}
