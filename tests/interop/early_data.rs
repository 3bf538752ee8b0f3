//! Early data: real clients with the example server, and the example client.

use pollback_testkit::certificates::Authority;

use crate::built::example;
use crate::child::{Running, run};
use crate::files::Files;
use crate::peers::GET;
use crate::peers::openssl::s_client;

const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";

/// The example server, which accepts early data.
async fn server(files: &Files) -> (Running, std::net::SocketAddr) {
    let authority = Authority::new();
    files.write("root.pem", authority.pem());
    let (certificate, key) = files.identity(&authority.server());
    let mut server = example("server").await;
    server
        .args(["--listen", "127.0.0.1:0", "--early-data", "--cert"])
        .arg(certificate)
        .arg("--key")
        .arg(key);
    Running::listening(&mut server).await
}

/// Runs a client of openssl that sends `early` with the hello of its second connection and of all
/// later ones; returns the response of each of these.
async fn early_with_openssl<const N: usize>(
    test: &str,
    early: &[u8],
    later: [(&[&str], &[u8]); N],
) -> Option<[String; N]> {
    let files = Files::of(test);
    files.write("early.txt", early);
    let (server, address) = server(&files).await;
    let root = files.path("root.pem");
    let client = |options: &[&str]| {
        let mut client = s_client(&root, address)?;
        client
            .current_dir(files.folder())
            .args(["-tls1_3", "-alpn", "http/1.1"])
            .args(options);
        Some(client)
    };
    let first = run(&mut client(&["-sess_out", "session.pem"])?, GET).await;
    let first = first.succeeded().stdout;
    assert!(first.contains("Full handshake\n"), "{first}");
    let mut told = Vec::new();
    for (options, input) in later {
        let resume = ["-sess_in", "session.pem", "-early_data", "early.txt"];
        let mut client = client(&[&resume, options].concat())?;
        told.push(run(&mut client, input).await.succeeded().stdout);
    }
    let server = server.end().await;
    assert!(!server.stderr.contains("handshake"), "{server:#?}");
    told.try_into().ok()
}

const ACCEPTED: &str = "Early data was accepted";
const REJECTED: &str = "Early data was rejected";

#[tokio::test]
async fn openssl_receives_a_response_to_a_get() {
    let test = "openssl_receives_a_response_to_a_get";
    if let Some([told]) = early_with_openssl(test, GET, [(&[], b"")]).await {
        let hello = "hello over TLSv1_3, ALPN http/1.1, Resumed handshake, in early data\n";
        assert!(told.contains(ACCEPTED), "{told}");
        assert!(told.contains("HTTP/1.1 200 OK"), "{told}");
        assert!(told.contains(hello), "{told}");
    }
}

#[tokio::test]
async fn openssl_learns_that_a_post_is_too_early() {
    let test = "openssl_learns_that_a_post_is_too_early";
    if let Some([told]) = early_with_openssl(test, POST, [(&[], b"")]).await {
        assert!(told.contains(ACCEPTED), "{told}");
        assert!(told.contains("HTTP/1.1 425 Too Early"), "{told}");
    }
}

/// The server accepts each session only once.
#[tokio::test]
async fn openssl_cannot_replay_its_session() {
    let test = "openssl_cannot_replay_its_session";
    let later: [(&[&str], &[u8]); 2] = [(&[], b""), (&[], GET)];
    if let Some([once, again]) = early_with_openssl(test, GET, later).await {
        assert!(once.contains(ACCEPTED), "{once}");
        assert!(again.contains(REJECTED), "{again}");
        assert!(again.contains("Full handshake\n"), "{again}");
    }
}

/// The server does not support the first group, so it requests another hello, without early data.
#[tokio::test]
async fn openssl_receives_a_hello_retry_request() {
    let test = "openssl_receives_a_hello_retry_request";
    let later: [(&[&str], &[u8]); 1] = [(&["-groups", "X448:X25519"], GET)];
    if let Some([told]) = early_with_openssl(test, GET, later).await {
        assert!(told.contains(REJECTED), "{told}");
        assert!(told.contains("Resumed handshake\n"), "{told}");
    }
}

#[tokio::test]
async fn the_example_client_sends_its_request_early() {
    let files = Files::of("the_example_client_sends_its_request_early");
    let (server, address) = server(&files).await;
    for (early, end) in [
        (&["--early-data"][..], ", in early data\n"),
        (&[], " handshake\n"),
    ] {
        let mut client = example("client").await;
        client.arg("--root").arg(files.path("root.pem"));
        client.args(["--repeat", "2"]).args(early);
        client.arg(format!("https://{address}/"));
        let told = run(&mut client, b"").await.succeeded().stdout;
        let hellos: Vec<_> = told.split_inclusive('\n').collect();
        assert_eq!(hellos.len(), 2, "{told}");
        assert!(hellos[0].ends_with("Full handshake\n"), "{told}");
        assert!(hellos[1].ends_with(end), "{told}");
    }
    server.end().await;
}
