//! The examples on their own, and their reaction to bad input.

use std::path::Path;

use pollback_testkit::certificates::Authority;

use crate::built::example;
use crate::child::{Finished, run};
use crate::files::Files;

#[tokio::test]
async fn demo_moves_a_file_both_ways() {
    let files = Files::of("demo_moves_a_file_both_ways");
    let content: String = (0..40_000).map(|line| format!("line {line}\n")).collect();
    let file = files.write("file.txt", &content);
    let report = run(example("demo").await.arg(file), b"").await.succeeded();
    let progress: Vec<_> = report.stderr.lines().collect();
    assert!(progress[0].starts_with("sending "), "{progress:?}");
    assert!(progress[1].contains(" %  "), "{progress:?}");
    let last = progress[progress.len() - 1];
    assert!(last.starts_with("100 %  "), "{progress:?}");
    let report = report.stdout;
    for words in [
        "client to server",
        "the digests match",
        "server to client",
        "version       TLSv1_3",
        "cipher suite  TLS13_AES_256_GCM_SHA384",
        "group         X25519",
        "ALPN          pollback-demo",
        "handshake     Full",
        "attempts on the client's transport",
        "attempts on the server's transport",
    ] {
        assert!(report.contains(words), "no {words:?} in:\n{report}");
    }
    let digests: Vec<_> = report
        .lines()
        .filter(|line| line.contains("SHA-256"))
        .collect();
    assert_eq!(digests.len(), 2, "{report}");
    assert_eq!(digests[0], digests[1], "{report}");
    let made = |kind: &str| -> Vec<(usize, usize)> {
        let lines = report.lines().map(str::trim);
        let rests = lines.filter_map(|line| line.strip_prefix(kind));
        rests.filter_map(attempts_and_bytes).collect()
    };
    let (read, written, vectored) = (made("read  "), made("write  "), made("write vectored  "));
    let sides = (read.len(), written.len(), vectored.len());
    assert_eq!(sides, (2, 2, 2), "{report}");
    for side in 0..2 {
        let ((_, read), (writes, written), (_, vectored)) =
            (read[side], written[side], vectored[side]);
        assert!(read > content.len(), "{report}");
        assert!(written + vectored > content.len(), "{report}");
        // Only single records, such as the last one, are sent with a plain write.
        assert!(written <= writes * (16 * 1024 + 22), "{report}");
        assert!(vectored > content.len() / 2, "{report}");
    }
}

/// Parses the attempts in a line of the demo's table, after their kind.
fn attempts_and_bytes(line: &str) -> Option<(usize, usize)> {
    let mut numbers = line.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.nth(1)?.ok()?))
}

#[tokio::test]
async fn demo_reports_an_unreadable_file() {
    let missing = run(example("demo").await.arg("no-such-file"), b"").await;
    missing.failed(1, "cannot read no-such-file: ");
    let folder = run(example("demo").await.arg(env!("CARGO_MANIFEST_DIR")), b"").await;
    folder.failed(1, "not a regular file");
    run(example("demo").await.args(["one", "two"]), b"")
        .await
        .failed(2, "one file");
}

#[tokio::test]
async fn programs_with_arguments_have_help() {
    for (name, words) in [
        ("client", "--early-data"),
        ("demo", "[FILE]"),
        ("fingerprint", "--once"),
        ("server", "--write-root"),
    ] {
        for option in ["--help", "-h"] {
            let told = run(example(name).await.arg(option), b"").await.succeeded();
            assert!(told.stdout.contains("usage: "), "{name}: {}", told.stdout);
            assert!(told.stdout.contains(words), "{name}: {}", told.stdout);
            assert_eq!(told.stderr, "", "{name}");
        }
    }
}

#[tokio::test]
async fn migrate_runs() {
    let told = run(&mut example("migrate").await, b"").await.succeeded();
    assert!(
        told.stdout.contains("stranger.example at 127.0.0.1:"),
        "{told:#?}"
    );
    assert!(
        told.stdout.contains("trusted.example echoed 14 bytes"),
        "{told:#?}"
    );
}

#[cfg(all(unix, feature = "fd"))]
#[tokio::test]
async fn callbacks_are_called() {
    let told = run(&mut example("callbacks").await, b"").await.succeeded();
    assert!(
        told.stdout.starts_with("1000000 bytes there and back\n"),
        "{told:#?}"
    );
    for kind in ["read ", "write vectored "] {
        let mut lines = told
            .stdout
            .lines()
            .filter_map(|line| line.trim().strip_prefix(kind));
        let calls = lines
            .next()
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        assert!(calls > Some(0), "{kind} in {told:#?}");
    }
}

async fn client(arguments: &[&str]) -> Finished {
    run(example("client").await.args(arguments), b"").await
}

#[tokio::test]
async fn invalid_urls() {
    for (url, cause) in [
        ("http://localhost/", "it does not start with https://"),
        ("https://", "host \"\""),
        ("https://localhost:99999/", "port \"99999\""),
        ("https://user@localhost/", "host \"user@localhost\""),
        ("https://[::1/", "host"),
        ("https://localhost/a b", "percent-encoded"),
        ("https://localhost/\r\nHost: other", "percent-encoded"),
    ] {
        let refused = client(&[url]).await.failed(1, cause);
        assert!(refused.stderr.contains("bad URL: "), "{refused:#?}");
    }
}

#[tokio::test]
async fn invalid_root_files() {
    let files = Files::of("invalid_root_files");
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let not_base64 = bad.replace("AAAA", "!!!!");
    for (root, cause) in [
        (files.path("missing.pem"), "I/O error: "),
        (files.write("empty.pem", ""), "no PEM certificate in it"),
        (
            files.write("text.pem", "not a certificate\n"),
            "no PEM certificate in it",
        ),
        (files.write("broken.pem", not_base64), "base64"),
        (
            files.write("bad.pem", bad),
            "a certificate in it cannot be used",
        ),
    ] {
        let name = root.to_str().expect("UTF-8");
        let refused = client(&["--root", name, "https://localhost/"])
            .await
            .failed(1, cause);
        assert!(refused.stderr.contains(name), "{refused:#?}");
    }
}

#[tokio::test]
async fn protocol_names_that_cannot_be_sent() {
    let files = Files::of("protocol_names_that_cannot_be_sent");
    let root = files.write("root.pem", Authority::new().pem());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    let root = root.to_str().expect("UTF-8");
    for name in ["", &"x".repeat(256)] {
        let refused = client(&["--root", root, "--alpn", name, &url]).await;
        refused.failed(1, "an ALPN protocol name must be 1 to 255 bytes long");
    }
}

#[tokio::test]
async fn usage() {
    client(&[]).await.failed(2, "usage: client");
    client(&["--unknown", "https://localhost/"])
        .await
        .failed(2, "usage: client");
    client(&["https://localhost/", "https://localhost/"])
        .await
        .failed(2, "usage: client");
    client(&["--cert", "chain.pem", "https://localhost/"])
        .await
        .failed(2, "usage: client");
    client(&["--repeat", "often", "https://localhost/"])
        .await
        .failed(2, "usage: client");
    for arguments in [
        &["--unknown"][..],
        &["--cert", "chain.pem"],
        &[
            "--cert",
            "chain.pem",
            "--key",
            "key.pem",
            "--write-root",
            "root.pem",
        ],
        &["--listen", "nowhere"],
    ] {
        let refused = run(example("server").await.args(arguments), b"").await;
        refused.failed(2, "usage: server");
    }
}

#[tokio::test]
async fn invalid_certificate_files() {
    let files = Files::of("invalid_certificate_files");
    let authority = Authority::new();
    let (certificate, key) = files.identity(&authority.server());
    let other = Authority::new().server();
    let other = files.write("other-key.pem", other.key_pem());
    let missing = files.path("missing.pem");
    for (certificate, key, cause) in [
        (&missing, &key, "missing.pem: I/O error: "),
        (&key, &key, "key.pem: no PEM certificate in it"),
        (&certificate, &missing, "missing.pem: I/O error: "),
        (
            &certificate,
            &certificate,
            "certificate.pem: no PEM private key in it",
        ),
        (&certificate, &other, "keys may not be consistent"),
    ] {
        server_with(certificate, key).await.failed(1, cause);
    }
}

async fn server_with(certificate: &Path, key: &Path) -> Finished {
    let mut server = example("server").await;
    server
        .args(["--listen", "127.0.0.1:0", "--cert"])
        .arg(certificate);
    run(server.arg("--key").arg(key), b"").await
}
