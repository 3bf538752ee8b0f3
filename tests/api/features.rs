//! The cargo features of tokio-rustls: each is in the manifest and does what its name says.

use crate::support::{localhost, talk, tcp};
use pollback::rustls::crypto::CryptoProvider;
use pollback::rustls::{ClientConfig, RootCertStore, ServerConfig};
use pollback::{TlsAcceptor, TlsConnector};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::provider;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Each feature of tokio-rustls with what it enables.
const FEATURES: &[(&str, &[&str])] = &[
    ("aws-lc-rs", &["aws_lc_rs"]),
    ("aws_lc_rs", &["rustls/aws_lc_rs"]),
    ("brotli", &["rustls/brotli"]),
    ("default", &["logging", "tls12", "aws_lc_rs"]),
    ("early-data", &[]),
    ("fips", &["rustls/fips"]),
    ("logging", &["rustls/logging"]),
    ("ring", &["rustls/ring"]),
    ("tls12", &["rustls/tls12"]),
    ("zlib", &["rustls/zlib"]),
];

/// The lines of the manifest between `[features]` and the next table.
fn features() -> &'static str {
    let manifest = include_str!("../../Cargo.toml");
    let (_, features) = manifest
        .split_once("\n[features]\n")
        .expect("a table of features");
    features
        .split_once("\n[")
        .map_or(features, |(table, _)| table)
}

#[test]
fn the_manifest_has_every_feature() {
    let features = features();
    for (name, enables) in FEATURES {
        let wanted = format!("{name} = {enables:?}");
        assert!(
            features.lines().any(|line| line == wanted),
            "{wanted} is not in\n{features}"
        );
    }
}

/// The tables in the README and on the first page of the documentation are the same.
#[test]
fn every_feature_is_documented() {
    let readme = include_str!("../../README.md");
    let front_page = include_str!("../../src/lib.rs");
    let (_, table) = readme.split_once("| feature | default |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows: Vec<_> = table.lines().skip(2).collect();
    for row in &rows {
        assert!(front_page.contains(&format!("//! {row}\n")), "{row}");
    }
    let names = features().lines().filter_map(|line| line.split_once(" = "));
    for (name, _) in names.filter(|(name, _)| !["default", ""].contains(name)) {
        let name = format!("`{name}`");
        assert!(rows.iter().any(|row| row.contains(&name)), "{name}");
    }
}

#[test]
fn full_names_one_provider_and_nothing_that_pins_rustls() {
    let (_, full) = features()
        .split_once("\nfull = [\n")
        .expect("a feature full");
    let names: Vec<_> = full
        .lines()
        .map_while(|line| line.trim().strip_suffix(','))
        .map(|name| name.trim_matches('"'))
        .collect();
    assert!(names.contains(&"aws_lc_rs"), "{names:?}");
    let others = [
        "ring",
        "fips",
        "ffi",
        "ffi-aws-lc-rs",
        "ffi-fips",
        "ffi-ring",
    ];
    assert!(!names.iter().any(|name| others.contains(name)), "{names:?}");
}

fn configs(provider: CryptoProvider) -> (ClientConfig, ServerConfig) {
    let authority = Authority::shared();
    let identity = authority.server();
    let provider = Arc::new(provider);
    let roots: RootCertStore = authority.roots();
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain(), identity.key())
        .unwrap();
    (client, server)
}

async fn check(
    client: ClientConfig,
    server: ServerConfig,
) -> pollback::client::TlsStream<TcpStream> {
    let connector = TlsConnector::from(Arc::new(client));
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let (near, far) = tcp().await;
    let (client, server) = tokio::join!(connector.connect(localhost(), near), acceptor.accept(far));
    let mut client = client.unwrap();
    talk(&mut client, &mut server.unwrap()).await;
    client
}

#[tokio::test]
async fn a_provider_of_the_program_needs_no_feature() {
    let (client, server) = configs(provider().as_ref().clone());
    check(client, server).await;
}

#[cfg(feature = "aws_lc_rs")]
#[tokio::test]
async fn aws_lc_rs_brings_its_provider() {
    use pollback::rustls::crypto::aws_lc_rs;

    let (client, server) = configs(aws_lc_rs::default_provider());
    check(client, server).await;
}

#[cfg(feature = "ring")]
#[tokio::test]
async fn ring_brings_its_provider() {
    use pollback::rustls::crypto::ring;

    let (client, server) = configs(ring::default_provider());
    check(client, server).await;
}

#[cfg(feature = "fips")]
#[tokio::test]
async fn fips_brings_a_validated_provider() {
    use pollback::rustls::crypto::default_fips_provider;

    let (client, server) = configs(default_fips_provider());
    assert!(client.fips());
    assert!(server.fips());
    check(client, server).await;
}

#[cfg(feature = "tls12")]
#[tokio::test]
async fn tls12_enables_the_older_version() {
    use pollback::rustls::ProtocolVersion;
    use pollback_testkit::configs::{Setup, Version};

    let setup = Setup::new(Version::Tls12);
    let client = check(setup.client(), setup.server()).await;
    assert_eq!(
        client.get_ref().1.protocol_version(),
        Some(ProtocolVersion::TLSv1_2)
    );
}

#[cfg(any(feature = "brotli", feature = "zlib"))]
mod compression {
    use super::{check, configs, provider};
    use pollback::rustls::CertificateCompressionAlgorithm;
    use pollback::rustls::compress::{CertCompressor, CertDecompressor, DecompressionFailed};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts the certificates that a decompressor has decompressed.
    #[derive(Debug)]
    struct Counted {
        inner: &'static dyn CertDecompressor,
        unpacked: AtomicUsize,
    }

    impl CertDecompressor for Counted {
        fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
            self.inner.decompress(input, output)?;
            self.unpacked.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }

        fn algorithm(&self) -> CertificateCompressionAlgorithm {
            self.inner.algorithm()
        }
    }

    async fn unpacks(packer: &'static dyn CertCompressor, inner: &'static dyn CertDecompressor) {
        let counted: &'static Counted = Box::leak(Box::new(Counted {
            inner,
            unpacked: AtomicUsize::new(0),
        }));
        let (mut client, mut server) = configs(provider().as_ref().clone());
        client.cert_decompressors = vec![counted];
        server.cert_compressors = vec![packer];
        check(client, server).await;
        assert_eq!(counted.unpacked.load(Ordering::Relaxed), 1);
    }

    #[cfg(feature = "brotli")]
    #[tokio::test]
    async fn brotli_compresses_the_certificate() {
        use pollback::rustls::compress::{BROTLI_COMPRESSOR, BROTLI_DECOMPRESSOR};
        unpacks(BROTLI_COMPRESSOR, BROTLI_DECOMPRESSOR).await;
    }

    #[cfg(feature = "zlib")]
    #[tokio::test]
    async fn zlib_compresses_the_certificate() {
        use pollback::rustls::compress::{ZLIB_COMPRESSOR, ZLIB_DECOMPRESSOR};
        unpacks(ZLIB_COMPRESSOR, ZLIB_DECOMPRESSOR).await;
    }
}

#[cfg(feature = "logging")]
mod logging {
    use super::{check, configs, provider};
    use log::{LevelFilter, Log, Metadata, Record};
    use std::sync::Mutex;

    /// Records which modules of rustls have logged something.
    struct Notes(Mutex<Vec<String>>);

    static NOTES: Notes = Notes(Mutex::new(Vec::new()));

    impl Log for Notes {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target().starts_with("rustls")
        }

        fn log(&self, record: &Record<'_>) {
            if self.enabled(record.metadata()) {
                self.0.lock().unwrap().push(record.target().to_owned());
            }
        }

        fn flush(&self) {}
    }

    #[tokio::test]
    async fn logging_enables_the_log_of_rustls() {
        log::set_logger(&NOTES).expect("no other test of this binary logs");
        log::set_max_level(LevelFilter::Trace);
        let (client, server) = configs(provider().as_ref().clone());
        check(client, server).await;
        assert!(!NOTES.0.lock().unwrap().is_empty());
    }
}
