//! Real servers against the example client.

use std::net::SocketAddr;
use std::path::Path;

use pollback_testkit::certificates::{Authority, Identity};

use crate::built::example;
use crate::child::{Finished, Running, run};
use crate::files::Files;
use crate::peers::openssl::s_server;

/// An `openssl s_server` that presents `identity` and serves the files of its folder.
struct Server {
    running: Running,
    address: SocketAddr,
}

impl Server {
    /// `None` if openssl is not installed.
    async fn start(files: &Files, identity: &Identity, options: &[&str]) -> Option<Self> {
        let (certificate, key) = files.identity(identity);
        let mut openssl = s_server(files.folder())?;
        openssl
            .arg("-cert")
            .arg(certificate)
            .arg("-key")
            .arg(key)
            .args(options);
        let mut running = Running::start(&mut openssl, b"").await;
        let address = running.address("ACCEPT ").await;
        Some(Self { running, address })
    }

    /// Runs the example client for `path` on this server.
    async fn get(&self, root: &Path, options: &[&str], path: &str) -> Finished {
        let url = format!("https://127.0.0.1:{}{path}", self.address.port());
        let mut client = example("client").await;
        run(client.arg("--root").arg(root).args(options).arg(url), b"").await
    }
}

#[tokio::test]
async fn a_large_file_at_the_requested_version() {
    let files = Files::of("a_large_file_at_the_requested_version");
    let authority = Authority::new();
    let root = files.write("root.pem", authority.pem());
    let content: String = (0..50_000).map(|line| format!("line {line}\n")).collect();
    files.write("large.txt", &content);
    let Some(server) = Server::start(&files, &authority.server(), &["-WWW"]).await else {
        return;
    };
    for (option, version) in [("--tls12", "TLSv1_2"), ("--tls13", "TLSv1_3")] {
        let got = server.get(&root, &[option], "/large.txt").await.succeeded();
        assert!(
            got.stdout == content,
            "{} of {} bytes",
            got.stdout.len(),
            content.len()
        );
        assert!(got.stderr.contains(version), "{}", got.stderr);
    }
    server.running.end().await;
}

#[tokio::test]
async fn certificates_that_are_not_trusted() {
    let authority = Authority::new();
    for (name, identity, cause) in [
        (
            "stranger",
            Authority::new().server(),
            "was not issued by a trusted authority",
        ),
        (
            "misnamed",
            authority.server_for(&["elsewhere.example"]),
            "is for another name",
        ),
        (
            "expired",
            authority.expired_server(),
            "has expired or is not valid yet",
        ),
    ] {
        let files = Files::of(&format!("certificates_that_are_not_trusted_{name}"));
        let root = files.write("root.pem", authority.pem());
        let Some(server) = Server::start(&files, &identity, &["-www"]).await else {
            return;
        };
        for option in ["--tls12", "--tls13"] {
            let refused = server.get(&root, &[option], "/").await.failed(1, cause);
            assert_eq!(refused.stdout, "");
        }
        let server = server.running.end().await;
        assert!(
            server.stderr.contains("alert"),
            "the server has received no alert: {server:#?}"
        );
    }
}

#[tokio::test]
async fn no_version_in_common() {
    let files = Files::of("no_version_in_common");
    let authority = Authority::new();
    let root = files.write("root.pem", authority.pem());
    let server = Server::start(&files, &authority.server(), &["-www", "-tls1_2"]).await;
    let Some(server) = server else { return };
    server
        .get(&root, &["--tls13"], "/")
        .await
        .failed(1, "the alert protocol_version");
    server.running.end().await;
}

#[tokio::test]
async fn protocols_by_alpn() {
    let files = Files::of("protocols_by_alpn");
    let authority = Authority::new();
    let root = files.write("root.pem", authority.pem());
    let server = Server::start(&files, &authority.server(), &["-www", "-alpn", "http/1.1"]).await;
    let Some(server) = server else { return };
    server.get(&root, &[], "/").await.failed(0, "ALPN http/1.1");
    let other = server.get(&root, &["--alpn", "other"], "/").await;
    other.failed(1, "the alert no_application_protocol");
    server.running.end().await;
}
