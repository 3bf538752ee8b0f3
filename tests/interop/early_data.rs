//! Early data: real clients at the example server, and the example client.

use pollback_testkit::certificates::Authority;

use crate::built::example;
use crate::child::{Running, run};
use crate::files::Files;
use crate::peers::GET;
use crate::peers::openssl::s_client;

const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";

/// The example server, which takes early data.
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

/// What openssl is told when it sends `early` with its second hello.
async fn early_with_openssl(test: &str, early: &[u8]) -> Option<String> {
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
    let mut second = client(&["-sess_in", "session.pem", "-early_data", "early.txt"])?;
    let second = run(&mut second, b"").await.succeeded().stdout;
    assert!(second.contains("Early data was accepted"), "{second}");
    let server = server.end().await;
    assert!(!server.stderr.contains("handshake"), "{server:#?}");
    Some(second)
}

#[tokio::test]
async fn openssl_gets_an_answer_to_a_get() {
    if let Some(told) = early_with_openssl("openssl_gets_an_answer_to_a_get", GET).await {
        let hello = "hello over TLSv1_3, ALPN http/1.1, Resumed handshake, in early data\n";
        assert!(told.contains("HTTP/1.1 200 OK"), "{told}");
        assert!(told.contains(hello), "{told}");
    }
}

#[tokio::test]
async fn openssl_hears_that_a_post_is_too_early() {
    if let Some(told) = early_with_openssl("openssl_hears_that_a_post_is_too_early", POST).await {
        assert!(told.contains("HTTP/1.1 425 Too Early"), "{told}");
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
