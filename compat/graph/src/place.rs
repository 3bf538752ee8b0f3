//! The environment of a scenario: a folder, certificates, configurations.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pollback_testkit::certificates::{Authority, Identity};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ServerConfig};

/// The folder of a scenario, with `root.pem`, `server.pem`, `server.key`, `client.pem` and
/// `client.key` in it.
pub(crate) struct Place {
    folder: PathBuf,
    server: Identity,
    client: Identity,
}

impl Place {
    pub(crate) fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let folder = folder.canonicalize().expect("a folder");
        let authority = Authority::shared();
        let place = Self {
            folder,
            server: authority.server(),
            client: authority.client("graph"),
        };
        place.write("root.pem", authority.pem());
        for (name, identity) in [("server", &place.server), ("client", &place.client)] {
            place.write(&format!("{name}.pem"), identity.certificate_pem());
            place.write(&format!("{name}.key"), identity.key_pem());
        }
        place
    }

    /// The path of a file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The same as text, for the configurations of servers.
    pub(crate) fn text_path(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, contents).expect("a new file");
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file of this folder")
    }

    /// A configuration that trusts the servers of this run, with these protocols.
    pub(crate) fn client_config(&self, alpn: &[&str]) -> ClientConfig {
        let mut config = ClientConfig::builder()
            .with_root_certificates(Authority::shared().roots())
            .with_no_client_auth();
        config.alpn_protocols = protocols(alpn);
        config
    }

    /// The same, with a client certificate.
    pub(crate) fn client_config_with_identity(&self) -> ClientConfig {
        ClientConfig::builder()
            .with_root_certificates(Authority::shared().roots())
            .with_client_auth_cert(self.client.chain(), self.client.key())
            .expect("a certificate and its key")
    }

    /// A configuration for a server that may require a client certificate.
    pub(crate) fn server_config(&self, alpn: &[&str], demands: bool) -> Arc<ServerConfig> {
        let builder = if demands {
            let roots = Arc::new(Authority::shared().roots());
            let verifier = WebPkiClientVerifier::builder(roots).build();
            ServerConfig::builder().with_client_cert_verifier(verifier.expect("roots"))
        } else {
            ServerConfig::builder().with_no_client_auth()
        };
        let mut config = builder
            .with_single_cert(self.server.chain(), self.server.key())
            .expect("a certificate and its key");
        config.alpn_protocols = protocols(alpn);
        Arc::new(config)
    }

    /// Prints the output of the servers of this scenario.
    pub(crate) fn show_logs(&self) {
        for entry in fs::read_dir(&self.folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                let text = fs::read(&path).unwrap_or_default();
                eprintln!("--- {}\n{}", path.display(), String::from_utf8_lossy(&text));
            }
        }
    }
}

fn protocols(alpn: &[&str]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.as_bytes().to_vec()).collect()
}
