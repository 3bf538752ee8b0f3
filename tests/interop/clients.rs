//! Real clients against the example server.

use std::net::SocketAddr;
use std::path::Path;

use pollback_testkit::certificates::Authority;
use pollback_testkit::programs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::bounded::bounded;
use crate::built::example;
use crate::child::{LIMIT, Running, run};
use crate::files::Files;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The example server with a certificate of its own, whose root it writes to `root`.
async fn server(root: &Path, options: &[&str]) -> (Running, SocketAddr) {
    let mut command = example("server").await;
    command
        .args(["--listen", "127.0.0.1:0", "--write-root"])
        .arg(root)
        .args(options);
    let mut server = Running::start(&mut command, b"").await;
    let address = server.address("listening on ").await;
    (server, address)
}

/// A `curl` for the server, which it knows as `host`.
fn curl(root: &Path, host: &str, address: SocketAddr) -> Option<Command> {
    let mut curl = Command::new(programs::find("curl")?);
    let port = address.port();
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
        .arg(root)
        .args(["--resolve", &format!("{host}:{port}:{}", address.ip())])
        .arg(format!("https://{host}:{port}/"));
    Some(curl)
}

/// An `openssl s_client` for the server, which insists on `localhost` and the root.
fn s_client(root: &Path, address: SocketAddr) -> Option<Command> {
    let mut openssl = Command::new(programs::find("openssl")?);
    openssl
        .args([
            "s_client",
            "-connect",
            &address.to_string(),
            "-servername",
            "localhost",
        ])
        .args([
            "-verify_hostname",
            "localhost",
            "-verify_return_error",
            "-ign_eof",
            "-CAfile",
        ])
        .arg(root);
    Some(openssl)
}

async fn curl_at(version: &str, body: &str) {
    let files = Files::of(&format!("curl_at_{version}"));
    let root = files.path("root.pem");
    let (server, address) = server(&root, &["--count", "1"]).await;
    let Some(mut curl) = curl(&root, "localhost", address) else {
        return;
    };
    curl.args([&format!("--tlsv{version}"), "--tls-max", version]);
    let answer = run(&mut curl, b"").await.succeeded();
    assert_eq!(answer.stdout, body);
    let server = server.finish().await.succeeded();
    assert_eq!(server.stderr, "");
}

#[tokio::test]
async fn curl_at_tls12() {
    curl_at("1.2", "hello over TLSv1_2\n").await;
}

#[tokio::test]
async fn curl_at_tls13() {
    curl_at("1.3", "hello over TLSv1_3\n").await;
}

async fn s_client_at(option: &str, new: &str, body: &str) {
    let files = Files::of(&format!("s_client_at{option}"));
    let root = files.path("root.pem");
    let (server, address) = server(&root, &["--count", "1"]).await;
    let Some(mut client) = s_client(&root, address) else {
        return;
    };
    let answer = run(client.arg(option), GET).await.succeeded();
    assert!(answer.stdout.contains(new), "{answer:#?}");
    assert!(
        answer.stdout.contains("Verify return code: 0 (ok)"),
        "{answer:#?}"
    );
    assert!(
        answer.stdout.contains(&format!("\r\n\r\n{body}")),
        "{answer:#?}"
    );
    let server = server.finish().await.succeeded();
    assert_eq!(server.stderr, "");
}

#[tokio::test]
async fn s_client_at_tls12() {
    s_client_at(
        "-tls1_2",
        "New, TLSv1.2, Cipher is ECDHE-",
        "hello over TLSv1_2\n",
    )
    .await;
}

#[tokio::test]
async fn s_client_at_tls13() {
    s_client_at(
        "-tls1_3",
        "New, TLSv1.3, Cipher is TLS_",
        "hello over TLSv1_3\n",
    )
    .await;
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
        "hello over TLSv1_2\n"
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
async fn a_failed_handshake_concerns_no_other_client() {
    let files = Files::of("a_failed_handshake_concerns_no_other_client");
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
        "hello over TLSv1_3\n"
    );

    let server = server.finish().await.succeeded();
    assert!(
        server.stderr.contains("the peer sent the alert UnknownCA"),
        "{server:#?}"
    );
    assert!(
        server.stderr.contains("the peer does not speak TLS"),
        "{server:#?}"
    );
}

/// A record of a fatal alert, but for the alert's own number.
const FATAL_ALERT: [u8; 6] = [21, 3, 3, 0, 2, 2];

/// The first bytes that the server answers to bytes that are not TLS.
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
async fn requests_that_are_no_get() {
    let files = Files::of("requests_that_are_no_get");
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
async fn a_given_certificate() {
    let files = Files::of("a_given_certificate");
    let authority = Authority::new();
    let root = files.write("root.pem", authority.pem());
    let (certificate, key) = files.identity(&authority.server());
    let mut command = example("server").await;
    command
        .args(["--listen", "127.0.0.1:0", "--count", "1", "--cert"])
        .arg(certificate);
    let mut server = Running::start(command.arg("--key").arg(key), b"").await;
    let address = server.address("listening on ").await;
    let Some(mut curl) = curl(&root, "localhost", address) else {
        return;
    };
    assert_eq!(
        run(&mut curl, b"").await.succeeded().stdout,
        "hello over TLSv1_3\n"
    );
    server.finish().await.succeeded();
}
