//! Creates a certificate for users who have none.

use std::fs;
use std::path::Path;

use pollback::rustls::pki_types::PrivatePkcs8KeyDer;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::BoxError;
use crate::pem::Identity;

/// Creates a certificate for this machine, and the root that signs it.
///
/// The root's key is dropped on return, so nothing else can be signed with it.
pub(crate) fn make(write_root: Option<&Path>) -> Result<Identity, BoxError> {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    root.distinguished_name
        .push(DnType::CommonName, "pollback example root");
    let root_key = KeyPair::generate()?;
    let root_certificate = root.self_signed(&root_key)?;

    let names = ["localhost", "127.0.0.1", "::1"];
    let mut leaf = CertificateParams::new(names.map(str::to_owned))?;
    leaf.distinguished_name
        .push(DnType::CommonName, "pollback example server");
    leaf.use_authority_key_identifier_extension = true;
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &Issuer::new(root, root_key))?;

    if let Some(path) = write_root {
        fs::write(path, root_certificate.pem())
            .map_err(|e| format!("cannot write root file {}: {e}", path.display()))?;
    }
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((vec![certificate.into()], key.into()))
}
