//! curl with the examples that use a `TlsListener`.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use pollback::hello::Incoming;
use pollback::listener::{Handshaker, SharedConfig, TlsListener, handshake_fn};
use pollback_testkit::certificates::Authority;
use pollback_testkit::configs::{Setup, Version};
use tokio::net::{TcpListener, TcpStream};

use crate::built::example;
use crate::child::{Finished, Running, run};
use crate::files::Files;
use crate::peers::curl::curl;

async fn get(root: &Path, address: SocketAddr) -> Option<Finished> {
    Some(run(&mut curl(root, "localhost", address)?, b"").await)
}

#[tokio::test]
async fn hyper_serves_both_versions_of_http() {
    let files = Files::of("hyper_serves_both_versions_of_http");
    let root = files.write("root.pem", Authority::shared().pem());
    let (chain, key) = files.identity(&Authority::shared().server());
    let mut command = example("http").await;
    command.arg(chain).arg(key).arg("127.0.0.1:0");
    let (server, address) = Running::listening(&mut command).await;
    for (option, version) in [("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2.0")] {
        let Some(mut curl) = curl(&root, "localhost", address) else {
            return;
        };
        let answer = run(curl.arg(option), b"").await.succeeded().stdout;
        let expected = format!("over {version} and TLSv1_3");
        assert!(answer.contains(&expected), "{answer}");
    }
    server.signal("INT").await;
    server.finish().await.succeeded();
}

#[tokio::test]
async fn plain_http_is_redirected_to_https_on_the_same_port() {
    let files = Files::of("plain_http_is_redirected_to_https_on_the_same_port");
    let root = files.write("root.pem", Authority::shared().pem());
    let (chain, key) = files.identity(&Authority::shared().server());
    let mut command = example("http").await;
    command.arg(chain).arg(key).arg("127.0.0.1:0");
    let (server, address) = Running::listening(&mut command).await;
    // A health check connects first, and is reported as such.
    let check = TcpStream::connect(address).await.unwrap();
    let line = format!(
        "{}: the peer closed the connection before it sent data\n",
        check.local_addr().unwrap()
    );
    drop(check);
    for option in ["--http1.1", "--http2-prior-knowledge"] {
        let Some(mut curl) = curl(&root, "localhost", address) else {
            return;
        };
        // After the response of a direct request over HTTPS.
        let plain = format!("http://localhost:{}/", address.port());
        let answer = run(curl.args(["--location", option, &plain]), b"").await;
        let answers = answer.succeeded().stdout;
        assert_eq!(answers.matches("and TLSv1_3").count(), 2, "{answers}");
    }
    server.signal("INT").await;
    let finished = server.finish().await.succeeded();
    assert!(finished.stderr.contains(&line), "{finished:#?}");
}

#[tokio::test]
async fn a_signal_reloads_the_certificate_and_a_broken_one_is_rejected() {
    let files = Files::of("a_signal_brings_a_new_certificate");
    let (old, new) = (Authority::new(), Authority::new());
    let roots = [
        files.write("old.pem", old.pem()),
        files.write("new.pem", new.pem()),
    ];
    let (chain, key) = files.identity(&old.server());
    let mut command = example("http").await;
    command.arg(&chain).arg(&key).arg("127.0.0.1:0");
    let (mut server, address) = Running::listening(&mut command).await;

    fs::write(&chain, "no certificate").unwrap();
    server.signal("HUP").await;
    let reason = server.line("still serving the old certificate: ").await;
    assert!(reason.contains("certificate.pem"), "{reason}");
    let Some(answer) = get(&roots[0], address).await else {
        return;
    };
    answer.succeeded();

    files.identity(&new.server());
    server.signal("HUP").await;
    server.line("reloaded").await;
    get(&roots[1], address).await.expect("curl").succeeded();
    let error = get(&roots[0], address).await.expect("curl").stderr;
    assert!(error.contains("certificate"), "{error}");
    // The server may notice the refusal later than its client reports it, but before it exits.
    server.signal("INT").await;
    let ended = server.finish().await.succeeded();
    assert!(ended.stderr.contains("the handshake failed"), "{ended:#?}");
}

#[tokio::test]
async fn a_handler_of_axum_receives_the_client() {
    let files = Files::of("a_handler_of_axum_receives_the_client");
    let root = files.write("root.pem", Authority::shared().pem());
    let (chain, key) = files.identity(&Authority::shared().server());
    let mut command = example("axum").await;
    command.args([&chain, &key, &root]).arg("127.0.0.1:0");
    let (server, address) = Running::listening(&mut command).await;
    let Some(anonymous) = get(&root, address).await else {
        return;
    };
    let anonymous = anonymous.succeeded().stdout;
    assert!(anonymous.contains("protocol: h2\n"), "{anonymous}");
    assert!(anonymous.ends_with("certificate: none\n"), "{anonymous}");

    let client = Authority::shared().client("somebody");
    let certificate = files.write("client.pem", client.certificate_pem());
    let key = files.write("client.key", client.key_pem());
    let mut curl = curl(&root, "localhost", address).expect("curl");
    curl.arg("--cert").arg(certificate).arg("--key").arg(key);
    let known = run(&mut curl, b"").await.succeeded().stdout;
    let (_, digest) = known.trim_end().rsplit_once(' ').expect("a digest");
    assert_eq!(digest.len(), 64, "{known}");
    server.signal("INT").await;
    server.finish().await.succeeded();
}

/// curl sends its request before it learns that a certificate is required.
#[tokio::test]
async fn curl_reports_each_time_that_a_certificate_is_required() {
    let files = Files::of("curl_is_told_each_time");
    let root = files.write("root.pem", Authority::shared().pem());
    let config = Arc::new(Setup::new(Version::Tls13).client_auth().server());
    let ours = Arc::clone(&config);
    let by_function = handshake_fn(move |incoming: Incoming<TcpStream>| {
        let config = Arc::clone(&ours);
        async { Ok((incoming.accept(config).await?, ())) }
    });
    let addresses = [
        refusing(SharedConfig::new(config)).await,
        refusing(by_function).await,
    ];
    for address in addresses {
        for _ in 0..100 {
            let Some(mut curl) = curl(&root, "localhost", address) else {
                return;
            };
            let refused = run(curl.arg("--http2"), b"").await;
            assert!(
                refused.stderr.contains("alert certificate required"),
                "{refused:#?}"
            );
        }
    }
}

/// A server that refuses every client.
async fn refusing(handshaker: impl Handshaker<TcpStream>) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let mut listener = TlsListener::new(tcp, handshaker);
    tokio::spawn(async move { listener.accept().await.is_some() });
    address
}

#[tokio::test]
async fn tonic_serves_over_the_listener() {
    let asked = run(&mut example("grpc").await, b"").await.succeeded();
    assert!(asked.stdout.contains("says Serving"), "{asked:#?}");
}
