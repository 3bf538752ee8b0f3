//! Configurations from files.

use super::setup;
use pollback::listener::{PemFiles, PemPart, SharedConfig};
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use pollback::rustls::{self, ServerConfig};
use pollback_testkit::certificates::{Authority, Identity};
use pollback_testkit::configs::provider;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder that is removed after the test.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "pollback-files-{}-{}",
            std::process::id(),
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn chain(&self) -> PathBuf {
        self.path("chain.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.path("key.pem")
    }

    pub(super) fn put(&self, identity: &Identity) {
        fs::write(self.chain(), identity.certificate_pem()).unwrap();
        fs::write(self.key(), identity.key_pem()).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

pub(super) fn build(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
}

pub(super) fn files(folder: &Folder) -> PemFiles {
    PemFiles::new(folder.chain(), folder.key(), build)
}

pub(super) fn identity() -> Identity {
    Authority::shared().server()
}

#[test]
fn files_make_a_configuration() {
    let folder = Folder::new();
    folder.put(&identity());
    let config = SharedConfig::new(files(&folder).load().unwrap());
    let before = config.load();
    files(&folder).reload(&config).unwrap();
    assert!(!Arc::ptr_eq(&before, &config.load()));
}

#[test]
fn the_chain_and_the_key_may_be_in_one_file() {
    let folder = Folder::new();
    let identity = identity();
    let both = identity.key_pem() + identity.certificate_pem();
    fs::write(folder.chain(), &both).unwrap();
    fs::write(folder.key(), &both).unwrap();
    files(&folder).load().unwrap();
}

#[test]
fn a_missing_part_is_named_if_both_are_in_one_file() {
    let folder = Folder::new();
    let (one, other) = (identity(), identity());
    for (text, part, named) in [
        (one.key_pem(), PemPart::Chain, "the certificate chain"),
        (one.certificate_pem().to_owned(), PemPart::Key, "the key"),
        (
            one.certificate_pem().to_owned() + &other.key_pem(),
            PemPart::Both,
            "does not belong to the certificate",
        ),
    ] {
        fs::write(folder.chain(), &text).unwrap();
        let files = PemFiles::new(folder.chain(), folder.chain(), build);
        let error = files.load().expect_err(named);
        assert_eq!(error.part(), part, "{error}");
        assert_eq!(error.paths(), [folder.chain()]);
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[test]
fn a_broken_file_is_named_and_the_old_configuration_stays() {
    type Damage = fn(&Folder);
    type Named = fn(&Folder) -> Vec<PathBuf>;
    let chain: Named = |f| vec![f.chain()];
    let key: Named = |f| vec![f.key()];
    let both: Named = |f| vec![f.chain(), f.key()];
    let ways: [(&str, Damage, Named); 6] = [
        ("no chain", |f| fs::remove_file(f.chain()).unwrap(), chain),
        ("no key", |f| fs::remove_file(f.key()).unwrap(), key),
        (
            "an empty chain",
            |f| fs::write(f.chain(), "").unwrap(),
            chain,
        ),
        ("half a key", cut_key, key),
        ("garbage", |f| fs::write(f.chain(), GARBAGE).unwrap(), chain),
        (
            "another key",
            |f| fs::write(f.key(), identity().key_pem()).unwrap(),
            both,
        ),
    ];
    for (name, damage, named) in ways {
        let folder = Folder::new();
        folder.put(&identity());
        let config = SharedConfig::new(setup().server());
        let before = config.load();
        damage(&folder);
        let error = files(&folder).reload(&config).expect_err(name);
        assert!(Arc::ptr_eq(&before, &config.load()), "{name}");
        assert_eq!(error.paths(), named(&folder), "{name}: {error}");
        assert!(error.source().is_some());
        let text = error.to_string();
        let paths = named(&folder).into_iter();
        let paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
        assert!(text.starts_with(&paths.join(" and ")), "{text}");
    }
}

const GARBAGE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

fn cut_key(folder: &Folder) {
    let key = fs::read_to_string(folder.key()).unwrap();
    fs::write(folder.key(), &key[..key.len() / 2]).unwrap();
}
