//! Files are loaded completely, or loading fails with the location.

use super::files::{Folder, build, files, identity};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pollback::Error;
use pollback::listener::{ClientAuthorities, ClientFiles, LoadError, PemFiles, PemPart};
use pollback::rustls::ServerConfig;
use pollback::rustls::crypto;
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use pollback::rustls::server::WebPkiClientVerifier;
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::provider;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use std::error::Error as StdError;
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Loads these texts and returns the number of certificates in them.
fn load(chain: &str, key: &str) -> Result<usize, LoadError> {
    let folder = Folder::new();
    fs::write(folder.chain(), chain).unwrap();
    fs::write(folder.key(), key).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let build = move |chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>| {
        counted.store(chain.len(), Ordering::Relaxed);
        build(chain, key)
    };
    PemFiles::new(folder.chain(), folder.key(), build).load()?;
    Ok(count.load(Ordering::Relaxed))
}

fn assert_refused(
    result: Result<usize, LoadError>,
    part: PemPart,
    line: usize,
    words: &str,
) -> LoadError {
    let error = result.expect_err(words);
    assert_eq!((error.part(), error.line()), (part, Some(line)), "{error}");
    let text = error.to_string();
    assert!(text.contains(words), "no {words:?}: {text}");
    assert!(text.contains(&format!("line {line}")), "{text}");
    error
}

#[test]
fn every_certificate_of_a_chain_is_served() {
    let (one, issuer) = (identity(), Authority::shared().pem());
    let leaf = one.certificate_pem();
    for chain in [
        format!("{leaf}{issuer}"),
        format!("{}{issuer}", leaf.trim_end()),
        format!("\u{feff}{leaf}\u{feff}{issuer}"),
        format!("{leaf}{issuer}").replace("-----BEGIN", " \t-----BEGIN"),
        format!("{leaf}{issuer}").replace('\n', "\n  "),
        format!("{leaf}{issuer}").replace('\n', "\r"),
        format!("{leaf}{issuer}").replace('\n', ""),
        format!("{leaf}{issuer}").replace(" CERTIFICATE", " X509 CERTIFICATE"),
        format!("{}{leaf}text\n{issuer}text", one.key_pem()),
        format!("{leaf}End of the first.\nBegin of the second:\n{issuer}"),
    ] {
        assert_eq!(load(&chain, &one.key_pem()).unwrap(), 2, "{chain}");
    }
}

#[test]
fn unreadable_items_are_named_and_never_skipped() {
    let (one, issuer) = (identity(), Authority::shared().pem());
    let leaf = one.certificate_pem();
    let line = leaf.lines().count() + 1;
    for (second, words) in [
        (
            issuer.replace(" CERTIFICATE", " TRUSTED CERTIFICATE"),
            "TRUSTED CERTIFICATE: a certificate with OpenSSL's trust settings",
        ),
        (issuer.replace(" CERTIFICATE", " PKCS7"), "PKCS7: PKCS #7"),
        (issuer.replace(" CERTIFICATE", " X509 CRL"), "X509 CRL"),
        (issuer.replace(" CERTIFICATE", " SOMETHING"), "SOMETHING"),
        (
            issuer.replace("-----BEGIN", "----BEGIN"),
            "a damaged marker",
        ),
        (
            issuer.replace("-----BEGIN", " \u{feff}----BEGIN"),
            "a damaged marker",
        ),
        (issuer.replace("-----END", "----END"), "no END marker"),
        (issuer.replace("END CERTIFICATE", "END X"), "ends as X"),
        (format!("{}{issuer}", &issuer[..200]), "no END marker"),
        (issuer[..200].to_owned(), "no END marker"),
        (issuer.replacen("MII", "M", 1), "CERTIFICATE"),
        (
            issuer.replacen("MII", "MIIAAAA", 1),
            "not a complete DER structure",
        ),
        (issuer.replace('\n', "\n# "), "CERTIFICATE"),
    ] {
        let chain = format!("{leaf}{second}");
        assert_refused(load(&chain, &one.key_pem()), PemPart::Chain, line, words);
    }
}

#[test]
fn what_is_commonly_found_beside_them_is_no_obstacle() {
    let (one, issuer) = (identity(), Authority::shared().pem());
    for label in [
        "CERTIFICATE REQUEST",
        "NEW CERTIFICATE REQUEST",
        "EC PARAMETERS",
        "DH PARAMETERS",
        "PUBLIC KEY",
        "RSA PUBLIC KEY",
    ] {
        let beside = issuer.replace(" CERTIFICATE", &format!(" {label}"));
        let chain = format!("{beside}{}{issuer}", one.certificate_pem());
        let key = format!("{beside}{}", one.key_pem());
        assert_eq!(load(&chain, &key).expect(label), 2);
    }
}

#[test]
fn the_first_certificate_is_read_as_one() {
    let one = identity();
    let list = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let result = load(list, &one.key_pem());
    assert_refused(result, PemPart::Chain, 1, "certificate 1");
}

#[test]
fn binary_files_are_distinguished_from_empty_ones() {
    let one = identity();
    let wide: String = one
        .certificate_pem()
        .chars()
        .flat_map(|c| [c, '\0'])
        .collect();
    assert_refused(load(&wide, &one.key_pem()), PemPart::Chain, 1, "UTF-16");
    let folder = Folder::new();
    folder.put(&one);
    fs::write(folder.chain(), "0 is how DER may begin").unwrap();
    let error = files(&folder).load().expect_err("no PEM");
    assert!(
        error
            .to_string()
            .ends_with("no certificate in it: it may be DER"),
        "{error}"
    );
}

#[test]
fn an_unsupported_key_is_named() {
    let one = identity();
    let chain = one.certificate_pem();
    let key = one.key_pem();
    let headers = "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233\n\n";
    // It begins with an algorithm instead of a version.
    let wrapped = "-----BEGIN PRIVATE KEY-----\nMAQwAAQA\n-----END PRIVATE KEY-----\n";
    for (key, words) in [
        (key.replace(" PRIVATE", " ENCRYPTED PRIVATE"), "encrypted"),
        (
            key.replace(" PRIVATE", " RSA PRIVATE")
                .replacen("PRIVATE KEY-----\n", headers, 1),
            "encrypted",
        ),
        (
            key.replace(" PRIVATE", " DSA PRIVATE")
                .replacen("PRIVATE KEY-----\n", headers, 1),
            "encrypted",
        ),
        (wrapped.to_owned(), "encrypted"),
        (
            key.replace(" PRIVATE", " OPENSSH PRIVATE"),
            "OPENSSH PRIVATE KEY: an unsupported key format (supported: PKCS #8, PKCS #1 and SEC 1)",
        ),
        (key.replace(" PRIVATE", " DSA PRIVATE"), "DSA PRIVATE KEY"),
    ] {
        assert_refused(load(chain, &key), PemPart::Key, 1, words);
    }
}

#[test]
fn a_file_that_has_nothing_to_offer_says_what_it_lacks() {
    let one = identity();
    for (chain, key, words) in [
        (one.certificate_pem(), "text", "no private key"),
        ("text", &*one.key_pem(), "no certificate"),
    ] {
        let error = load(chain, key).expect_err(words);
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// As OpenSSL writes it: the innermost part of the other form.
#[test]
fn a_key_with_the_label_of_its_algorithm_is_read() {
    let one = identity();
    let base64: String = one
        .key_pem()
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let der = STANDARD.decode(base64).unwrap();
    let of_ec = [2, 1, 1, 4, 32];
    let start = der.windows(5).position(|bytes| bytes == of_ec).unwrap() - 2;
    let body = STANDARD.encode(&der[start..][..2 + usize::from(der[start + 1])]);
    let key = format!("-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----\n");
    assert_eq!(load(one.certificate_pem(), &key).unwrap(), 1);
}

#[test]
fn the_label_of_a_key_determines_its_form() {
    let folder = Folder::new();
    fs::write(folder.chain(), identity().certificate_pem()).unwrap();
    for (label, form) in [
        ("PRIVATE KEY", 8),
        ("EC PRIVATE KEY", 0),
        ("RSA PRIVATE KEY", 1),
    ] {
        let key = format!("-----BEGIN {label}-----\nMAMCAQE=\n-----END {label}-----\n");
        fs::write(folder.key(), key).unwrap();
        let seen = Arc::new(AtomicUsize::new(usize::MAX));
        let seen_by_build = Arc::clone(&seen);
        let build = move |chain, key: PrivateKeyDer<'static>| {
            let form = match &key {
                PrivateKeyDer::Pkcs1(_) => 1,
                PrivateKeyDer::Pkcs8(_) => 8,
                _ => 0,
            };
            seen_by_build.store(form, Ordering::Relaxed);
            build(chain, key)
        };
        let loaded = PemFiles::new(folder.chain(), folder.key(), build).load();
        loaded.expect_err("not a key of this certificate");
        assert_eq!(seen.load(Ordering::Relaxed), form, "{label}");
    }
}

/// A key may be complete and still not be supported by the provider.
#[test]
fn a_key_that_the_provider_rejects_is_named() {
    let folder = Folder::new();
    folder.put(&identity());
    let of_x25519 = "MC4CAQAwBQYDK2VuBCIEIAhjqckP333TWkbYI92iN7RdWQ6i+2UF3TOQ/RoAPqR9";
    let providers = [
        crypto::aws_lc_rs::default_provider(),
        #[cfg(feature = "ring")]
        crypto::ring::default_provider(),
    ];
    for provider in providers.map(Arc::new) {
        let build = move |chain, key| -> Result<ServerConfig, BoxError> {
            let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()?
                .with_no_client_auth()
                .with_single_cert(chain, key);
            Ok(config.map_err(io::Error::other)?)
        };
        let files = PemFiles::new(folder.chain(), folder.key(), build);
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"] {
            for base64 in [of_x25519, "MAMCAQE="] {
                let key =
                    format!("text\n-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
                fs::write(folder.key(), key).unwrap();
                let words = format!("line 2: {label}: ");
                let loaded = files.load().map(|_| 0);
                let error = assert_refused(loaded, PemPart::Key, 2, &words);
                assert_eq!(error.paths(), [folder.key()]);
                let cause = error.source().and_then(StdError::source);
                assert!(cause.is_some(), "the provider's own error");
            }
        }
    }
}

#[test]
fn of_several_keys_the_one_that_belongs_to_the_certificate_is_used() {
    let (one, other) = (identity(), identity());
    let chain = one.certificate_pem();
    for keys in [
        other.key_pem() + &one.key_pem(),
        one.key_pem() + &other.key_pem(),
    ] {
        assert_eq!(load(chain, &keys).unwrap(), 1);
    }
    let error = load(chain, &(other.key_pem() + &identity().key_pem())).expect_err("neither");
    assert_eq!(error.part(), PemPart::Both);
    assert_eq!(error.paths().len(), 2);
}

#[test]
fn an_error_of_the_program_names_no_file() {
    let folder = Folder::new();
    folder.put(&identity());
    let refuse = |_, _| Err::<ServerConfig, _>(io::Error::other("not today"));
    let error = PemFiles::new(folder.chain(), folder.key(), refuse)
        .load()
        .expect_err("refused");
    assert_eq!(error.part(), PemPart::Configuration);
    assert!(error.paths().is_empty());
    assert_eq!(error.to_string(), "the configuration: not today");
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A revocation list with nothing in it.
fn revocations(issuer: &CertifiedIssuer<'static, KeyPair>) -> String {
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(2124, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().pem().unwrap()
}

fn build_with_clients(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: ClientAuthorities,
) -> Result<ServerConfig, BoxError> {
    assert_eq!(clients.roots.len(), 2);
    assert_eq!(clients.revocation_lists.len(), 2);
    let verifier = WebPkiClientVerifier::builder_with_provider(clients.roots, provider())
        .with_crls(clients.revocation_lists)
        .build()?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    Ok(config)
}

#[test]
fn roots_and_revocation_lists_are_loaded_like_the_other_files() {
    let folder = Folder::new();
    folder.put(&identity());
    let (one, other) = (authority(), authority());
    let (roots, lists) = (folder.path("roots"), folder.path("lists"));
    let clients = ClientFiles::new(&roots)
        .with_revocation_lists(&lists)
        .with_revocation_lists(&roots);
    let files =
        PemFiles::with_client_auth(folder.chain(), folder.key(), clients, build_with_clients);
    let good_roots = format!("{}{}{}", one.pem(), other.pem(), revocations(&other));
    let good_lists = revocations(&one);
    let write = |roots_text: &str, lists_text: &str| {
        fs::write(&roots, roots_text).unwrap();
        fs::write(&lists, lists_text).unwrap();
        files.load().map(|_| 0)
    };
    write(&good_roots, &good_lists).unwrap();

    let line = one.pem().lines().count() + 1;
    let bad = good_roots.replacen("CERTIFICATE", "TRUSTED CERTIFICATE", 2);
    assert_refused(write(&bad, &good_lists), PemPart::ClientRoots, 1, "TRUSTED");
    let sequence = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let bad = format!("{}{sequence}{}", one.pem(), revocations(&other));
    assert_refused(
        write(&bad, &good_lists),
        PemPart::ClientRoots,
        line,
        "certificate 2",
    );
    let bad = &good_lists[..good_lists.len() - 20];
    assert_refused(
        write(&good_roots, bad),
        PemPart::RevocationLists,
        1,
        "no END marker",
    );
    // It is not needed here, but was meant for something.
    assert_refused(
        write(&good_roots, &(one.pem() + &good_lists)),
        PemPart::RevocationLists,
        1,
        "CERTIFICATE",
    );

    let error = write(&good_roots, "").expect_err("no list");
    assert_eq!(error.paths(), std::slice::from_ref(&lists));
    assert!(error.to_string().contains("no revocation list"), "{error}");
    let sequence = "-----BEGIN X509 CRL-----\nMAMCAQE=\n-----END X509 CRL-----\n";
    let line = good_lists.lines().count() + 1;
    let error = assert_refused(
        write(&good_roots, &(good_lists + sequence)),
        PemPart::RevocationLists,
        line,
        "revocation list 2",
    );
    assert_eq!(error.paths(), [lists]);
    fs::remove_file(&roots).unwrap();
    let error = files.load().expect_err("no roots");
    assert_eq!(
        (error.part(), error.paths()),
        (PemPart::ClientRoots, &[roots][..])
    );
    assert!(Error::find(&error).is_none());
}
