//! The example that prints fingerprints.

use tokio::process::Command;

use crate::built::example;
use crate::child::{Running, run};
use crate::peers::program;

/// Returns the fingerprint of openssl with these options.
async fn fingerprint(options: &[&str]) -> Option<String> {
    let mut openssl = Command::new(program("openssl", "version")?);
    let mut command = example("fingerprint").await;
    let command = command.args(["--once", "127.0.0.1:0"]);
    let (mut server, address) = Running::listening(command).await;
    openssl
        .args(["s_client", "-connect", &address.to_string()])
        .args(options);
    let client = run(&mut openssl, b"").await;
    assert!(client.stderr.contains("alert access denied"), "{client:#?}");
    let line = server.line("127.0.0.1:").await;
    let (_, fingerprint) = line.split_once(' ').expect("a peer and its fingerprint");
    server.finish().await.succeeded();
    Some(fingerprint.to_owned())
}

#[tokio::test]
async fn different_clients_have_different_fingerprints() {
    let named = ["-servername", "localhost", "-alpn", "h2"];
    let Some(one) = fingerprint(&named).await else {
        return;
    };
    assert!(one.starts_with("t13d"), "{one}");
    assert_eq!(fingerprint(&named).await, Some(one.clone()));
    let old = ["-servername", "localhost", "-tls1_2"];
    let other = fingerprint(&old).await.expect("openssl");
    assert!(other.starts_with("t12d"), "{other}");
    assert_ne!(other, one);
    let nameless = fingerprint(&["-noservername"]).await.expect("openssl");
    assert!(nameless.starts_with("t13i"), "{nameless}");
}
