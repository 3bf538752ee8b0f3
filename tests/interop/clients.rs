//! Real clients against the example server.

use std::net::SocketAddr;
use std::path::Path;

use pollback_testkit::certificates::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bounded::bounded;
use crate::built::example;
use crate::child::{LIMIT, Running, run};
use crate::files::Files;
use crate::peers::GET;
use crate::peers::curl::curl;
use crate::peers::openssl::s_client;

/// The example server with a certificate of its own, whose root it writes to `root`.
async fn server(root: &Path, options: &[&str]) -> (Running, SocketAddr) {
    let mut command = example("server").await;
    command
        .args(["--listen", "127.0.0.1:0", "--write-root"])
        .arg(root)
        .args(options);
    Running::listening(&mut command).await
}

#[tokio::test]
async fn a_server_of_one_version_speaks_no_other() {
    let files = Files::of("a_server_of_one_version_speaks_no_other");
    let root = files.path("root.pem");
    let (server, address) = server(&root, &["--tls12", "--count", "2"]).await;
    let Some(mut any) = curl(&root, "localhost", address) else {
        return;
    };
    let Some(mut newest) = s_client(&root, address) else {
        return;
    };
    assert_eq!(
        run(&mut any, b"").await.succeeded().stdout,
        "hello over TLSv1_2, ALPN http/1.1, Full handshake\n"
    );
    run(newest.arg("-tls1_3"), GET)
        .await
        .failed(1, "alert protocol version");
    server
        .finish()
        .await
        .failed(0, "no TLS version in common with the peer");
}

#[tokio::test]
async fn a_failed_handshake_affects_no_other_client() {
    let files = Files::of("a_failed_handshake_affects_no_other_client");
    let root = files.path("root.pem");
    let stranger = files.write("stranger.pem", Authority::new().pem());
    let (server, address) = server(&root, &["--count", "4"]).await;
    let Some(mut distrustful) = curl(&stranger, "localhost", address) else {
        return;
    };
    let Some(mut misled) = curl(&root, "elsewhere.example", address) else {
        return;
    };
    let Some(mut content) = curl(&root, "localhost", address) else {
        return;
    };

    run(&mut distrustful, b"")
        .await
        .failed(60, "unable to get local issuer certificate");
    run(&mut misled, b"").await.failed(60, "elsewhere.example");
    assert_eq!(plain(address, GET).await, FATAL_ALERT);
    assert_eq!(
        run(&mut content, b"").await.succeeded().stdout,
        "hello over TLSv1_3, ALPN http/1.1, Full handshake\n"
    );

    let server = server.finish().await.succeeded();
    assert!(
        server.stderr.contains("the peer sent the alert unknown_ca"),
        "{server:#?}"
    );
    assert!(
        server.stderr.contains("the peer does not speak TLS"),
        "{server:#?}"
    );
}

/// A record of a fatal alert, without the number of the alert.
const FATAL_ALERT: [u8; 6] = [21, 3, 3, 0, 2, 2];

/// The first bytes of the server's response to bytes that are not TLS.
async fn plain(address: SocketAddr, bytes: &[u8]) -> [u8; 6] {
    let exchange = async {
        let mut tcp = TcpStream::connect(address).await?;
        tcp.write_all(bytes).await?;
        let mut answer = [0; 6];
        tcp.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    bounded(LIMIT, "the plain exchange", exchange)
        .await
        .expect("an alert")
}

#[tokio::test]
async fn requests_other_than_get() {
    let files = Files::of("requests_other_than_get");
    let root = files.path("root.pem");
    let (server, address) = server(&root, &["--count", "4"]).await;
    let request = || curl(&root, "localhost", address);
    let Some(mut head) = request() else { return };
    let Some(mut delete) = request() else { return };
    let Some(mut long) = request() else { return };
    let Some(mut malformed) = s_client(&root, address) else {
        return;
    };

    let head = run(head.arg("--head"), b"").await.succeeded();
    assert!(head.stdout.starts_with("HTTP/1.1 200 OK\r\n"), "{head:#?}");
    assert!(head.stdout.ends_with("\r\n\r\n"), "{head:#?}");
    run(delete.args(["--fail", "--request", "DELETE"]), b"")
        .await
        .failed(22, "405");
    let header = format!("X-Long: {}", "x".repeat(32 * 1024));
    run(long.args(["--fail", "--header", &header]), b"")
        .await
        .failed(22, "431");
    let refused = run(&mut malformed, b"GET\r\n\r\n").await.succeeded();
    assert!(
        refused.stdout.contains("HTTP/1.1 400 Bad Request\r\n"),
        "{refused:#?}"
    );
    server.finish().await.succeeded();
}

#[tokio::test]
async fn clients_without_a_trusted_certificate() {
    let files = Files::of("clients_without_a_trusted_certificate");
    let root = files.path("root.pem");
    let trusted = files.write("trusted.pem", Authority::new().pem());
    let (certificate, key) = files.identity(&Authority::new().client("stranger"));
    let trusted = trusted.to_str().expect("UTF-8");
    // With TLS 1.3 a client has completed its handshake before it is refused, and may be writing.
    let options = ["--tls12", "--count", "2", "--client-roots", trusted];
    let (server, address) = server(&root, &options).await;
    let Some(mut anonymous) = s_client(&root, address) else {
        return;
    };
    let Some(mut stranger) = s_client(&root, address) else {
        return;
    };
    run(&mut anonymous, GET)
        .await
        .failed(1, "alert certificate required");
    stranger.arg("-cert").arg(certificate).arg("-key").arg(key);
    run(&mut stranger, GET).await.failed(1, "alert unknown ca");
    let server = server.finish().await.succeeded();
    for cause in ["peer sent no certificates", "UnknownIssuer"] {
        assert!(server.stderr.contains(cause), "no {cause:?} in {server:#?}");
    }
}
