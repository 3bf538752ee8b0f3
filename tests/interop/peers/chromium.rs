//! Chromium: a headless browser.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pollback_testkit::certificates::{Authority, Identity};
use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::program;
use crate::built::example;
use crate::child::{Running, run};
use crate::files::Files;

/// The page after loading, with only the key of `identity` trusted.
async fn page(chromium: &Path, files: &Files, identity: &Identity, url: &str) -> String {
    let key = BASE64_STANDARD.encode(Sha256::digest(identity.public_key()));
    let profile = files.path("profile");
    let mut browser = Command::new(chromium);
    browser
        .env("HOME", files.folder())
        // Without these it would connect to other servers.
        .arg("--disable-background-networking")
        .args(["--disable-component-update", "--disable-sync"])
        .args(["--disable-quic", "--no-first-run"])
        // Its sandbox does not work for root, which often runs tests.
        .args(["--headless", "--disable-gpu", "--no-sandbox"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--ignore-certificate-errors-spki-list={key}"))
        .args(["--dump-dom", url]);
    run(&mut browser, b"").await.succeeded().stdout
}

#[tokio::test]
async fn loads_a_page() {
    let Some(chromium) = program("chromium", "--version") else {
        return;
    };
    let files = Files::of("loads_a_page");
    let identity = Authority::new().server();
    let (chain, key) = files.identity(&identity);

    let mut http = example("http").await;
    http.arg(&chain).arg(&key).arg("127.0.0.1:0");
    let mut old = example("server").await;
    old.args(["--listen", "127.0.0.1:0", "--tls12", "--cert"]);
    old.arg(&chain).arg("--key").arg(&key);
    for (mut server, hello) in [
        (http, "over HTTP/2.0 and TLSv1_3\n"),
        (old, "hello over TLSv1_2, ALPN http/1.1, Full handshake\n"),
    ] {
        let (server, address) = Running::listening(&mut server).await;
        let url = format!("https://localhost:{}/", address.port());
        let page = page(&chromium, &files, &identity, &url).await;
        assert!(page.contains(hello), "no {hello:?} in:\n{page}");
        server.end().await;
    }
}
