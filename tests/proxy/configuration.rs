//! Configurations, mostly invalid ones.

use pollback_testkit::certificates::Authority;
use pollback_testkit::programs;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::bounded::bounded;
use crate::files;
use crate::files::Files;
use crate::process::{LIMIT, Proxy, command};

const SAMPLE: &str = include_str!("../../examples/proxy/proxy.toml");

/// A valid configuration.
const RIGHT: &str = r#"[listen]
address = "127.0.0.1:0"
counters = "127.0.0.1:0"
[[route]]
names = ["one.example"]
backend = "one"
terminate = { chain = "certificate.pem", key = "key.pem" }
[backend.one]
address = "127.0.0.1:1"
"#;

/// A text to replace and its replacement, which makes the configuration invalid; then the location
/// and the text of the error.
#[rustfmt::skip]
const WRONG: &[(&str, &str, &str, &str)] = &[
    // Invalid TOML, or an invalid structure.
    ("[listen]", "[listen", "1:8", "expected `]`"),
    ("\"one\"", "\"one", "6:15", "expected `\"`"),
    ("[listen]\naddress = \"127.0.0.1:0\"\ncounters = \"127.0.0.1:0\"\n", "",
        "1:1", "missing field `listen`"),
    ("address = \"127.0.0.1:0", "address = \"localhost:0",
        "2:11", "expected an address like \"127.0.0.1:443\""),
    ("address = \"127.0.0.1:0", "address = \"https://127.0.0.1:0",
        "2:11", "expected an address like \"127.0.0.1:443\""),
    ("counters = \"127.0.0.1:0", "counters = \"http://127.0.0.1:0",
        "3:12", "expected an address like \"127.0.0.1:443\""),
    ("[[route]]", "handshake_limit = 9223372036854775807\n[[route]]", "4:19", "expected a nonzero u32"),
    ("[[route]]", "grace_ms = 0\n[[route]]", "4:12", "expected a nonzero u32"),
    ("[[route]]", "grace_ms = \"1s\"\n[[route]]", "4:12", "expected a nonzero u32"),
    ("[[route]]", "handshake_limit = -1\n[[route]]", "4:19", "expected a nonzero u32"),
    ("[[route]]", "when_full = \"no\"\n[[route]]", "4:13", "expected `wait` or `refuse`"),
    ("[[route]]", "trusted_proxies = [\"::1\", \"all\"]\n[[route]]", "4:19", "expected a network"),
    ("[[route]]", "[route]", "4:1", "expected a sequence"),
    ("backend = \"one\"\n", "", "4:1", "missing field `backend`"),
    ("backend = ", "bakend = ", "6:1", "expected one of `names`, `backend`, `terminate`"),
    ("names = [\"one.example\"]\n", "", "4:1", "missing field `names`"),
    ("key = \"key.pem\"", "", "7:13", "missing field `key`"),
    ("address = \"127.0.0.1:1\"\n", "tls = {}\n", "8:1", "missing field `address`"),
    ("[backend.one]", "[backends.one]", "8:2", "expected one of `listen`, `route`, `backend`"),
    ("127.0.0.1:1\"\n", "a:1\"\nproxy_protocol = \"v3\"\n", "10:18", "expected `v1` or `v2`"),
    // Invalid values.
    ("backend = \"one\"", "backend = \"two\"", "6:11", "no such backend, expected one of \"one\""),
    ("[\"one.example\"]", "[]", "5:9", "expected at least one name"),
    ("\"one.example\"]", "\"one.example\", \"ONE.example\"]", "5:25", "already has a route"),
    ("\"one.example\"]", "\"*.*.example\"]", "5:10", "expected one like \"one.example\""),
    ("certificate.pem", "none.pem", "7:23", "none.pem: "),
    ("certificate.pem", "key.pem", "7:23", "expected a certificate chain in PEM"),
    ("\"key.pem\"", "\"none.pem\"", "7:48", "none.pem: "),
    ("\"key.pem\"", "\"root.pem\"", "7:48", "root.pem: the key: no private key in it; expected a private key"),
    ("\"key.pem\"", "\"other.pem\"", "7:23", "the private key does not belong to the certificate"),
    ("\"key.pem\" }", "\"key.pem\", alpn = [\"h2\", \"\"] }", "7:73", "1 to 255 bytes"),
    ("terminate = { chain = \"certificate.pem\", key = \"key.pem\" }\n[backend.one]",
        "[backend.one]\ntls = {}", "6:11", "expected a backend without `tls`"),
    ("127.0.0.1:1", "127.0.0.1", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1", "one:http", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1", "http://one.example:80", "9:11", "expected HOST:PORT, without a scheme"),
    ("127.0.0.1:1", "one.example:80/path", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1", "one.example:0", "9:11", "a port that is not 0"),
    ("127.0.0.1:1", "one.example:+80", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1", "::1:80", "9:11", "or \"[::1]:80\""),
    ("127.0.0.1:1", "[one.example]:80", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1", "user@one.example:80", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1\"\n", "a:1\"\nconnection_limit = 0\n", "10:20", "expected a nonzero u32"),
    ("127.0.0.1:1\"\n", "a:1\"\nbyte_limit = -1\n", "10:14", "expected a nonzero u64"),
    ("127.0.0.1:1\"\n", "a:1\"\ntime_limit_ms = 0.5\n", "10:17", "expected a nonzero u32"),
    ("127.0.0.1:1\"\n", "a_b:1\"\ntls = { name = \"-\" }\n", "10:16", "expected a name that"),
    ("127.0.0.1:1", "256.0.0.1:80", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1", "127.0.1:80", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1", "a b:1", "9:11", "expected HOST:PORT"),
    ("127.0.0.1:1\"\n", "a:1\"\ntls = { roots = \"none.pem\" }\n", "10:17", "none.pem: "),
    ("127.0.0.1:1\"\n", "a:1\"\ntls = { roots = \"key.pem\" }\n", "10:17", "no PEM certificate"),
];

async fn refused(files: &Files, configuration: &str) -> String {
    let mut command = command(files, configuration).await;
    let output = bounded(LIMIT, "a refusal", command.output()).await;
    let output = output.expect("the proxy starts");
    assert_eq!(output.status.code(), Some(1), "{configuration}\n{output:?}");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).expect("text")
}

#[tokio::test]
async fn errors_are_shown_with_their_location() {
    let files = files("errors_are_shown_with_their_location", &["one.example"]);
    files.write("root.pem", Authority::shared().pem());
    files.write("other.pem", Authority::shared().server().key_pem());
    drop(Proxy::start(&files, RIGHT).await);
    for (right, wrong, place, words) in WRONG {
        assert_eq!(RIGHT.matches(right).count(), 1, "{right}");
        let said = refused(&files, &RIGHT.replace(right, wrong)).await;
        let message = said.strip_prefix(&format!("proxy.toml:{place}: "));
        let message = message.unwrap_or_else(|| panic!("{wrong}: not at {place}: {said}"));
        assert!(message.contains(words), "no {words:?}: {said}");
        // And the line itself.
        let (number, _) = place.split_once(':').expect("line and column");
        assert!(message.contains(&format!("\n{number} | ")), "{said}");
    }
}

#[tokio::test]
async fn columns_are_those_of_characters() {
    let files = files("columns_are_those_of_characters", &["one.example"]);
    let said = refused(
        &files,
        &RIGHT.replace("\"one.example\"]", "\"über.example\", 1]"),
    )
    .await;
    assert!(said.starts_with("proxy.toml:5:26: "), "{said}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let files = files("a_port_that_is_taken_is_an_error", &["one.example"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let taken = listener.local_addr().expect("an address");
    let said = refused(
        &files,
        &RIGHT.replacen("127.0.0.1:0", &taken.to_string(), 1),
    )
    .await;
    assert!(said.contains(&taken.to_string()), "{said}");
    drop(listener);
}

#[tokio::test]
async fn without_trusted_certificates_roots_are_required() {
    let files = files("without_certificates_to_trust", &["one.example"]);
    let with_tls = RIGHT.replace("127.0.0.1:1\"\n", "a:1\"\ntls = {}\n");
    let mut command = command(&files, &with_tls).await;
    command
        .env("SSL_CERT_FILE", files.write("empty.pem", ""))
        .env("SSL_CERT_DIR", files.path("none"));
    let output = bounded(LIMIT, "a refusal", command.output()).await;
    let output = output.expect("the proxy starts");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("proxy.toml:10:7: "), "{said}");
    assert!(said.contains("expected `roots`"), "{said}");
}

#[tokio::test]
async fn the_sample_is_valid_with_its_defaults() {
    let files = files("the_sample_is_valid_with_its_defaults", &["shop.example"]);
    let identity = Authority::shared().server_for(&["shop.example"]);
    files.write("shop.pem", identity.certificate_pem());
    files.write("shop.key", identity.key_pem());
    files.write("internal.pem", Authority::shared().pem());
    let sample = SAMPLE
        .replace("127.0.0.1:8443", "127.0.0.1:0")
        .replace("127.0.0.1:9090", "127.0.0.1:0");
    drop(Proxy::start(&files, &sample).await);
    let is_key = |line: &str| {
        line.split_once(" = ")
            .is_some_and(|(key, _)| !key.contains(' '))
    };
    let mut keys = 0;
    let mut all = String::new();
    for line in sample.lines() {
        let commented = line.strip_prefix("# ").filter(|line| is_key(line));
        keys += usize::from(commented.is_some());
        all += commented.unwrap_or(line);
        all += "\n";
    }
    assert_eq!(keys, 12, "{all}");
    drop(Proxy::start(&files, &all).await);
}

#[tokio::test]
async fn the_sample_starts_with_the_certificates_of_its_command() {
    if programs::find("openssl").is_none() {
        return;
    }
    let files = Files::of("the_sample_starts_with_the_certificates_of_its_command");
    let commands: Vec<_> = SAMPLE
        .lines()
        .filter_map(|line| line.strip_prefix("#     "))
        .collect();
    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-c", &commands.join("\n")])
        .current_dir(files.folder());
    let output = bounded(LIMIT, "making certificates", shell.output()).await;
    let output = output.expect("a shell");
    assert!(output.status.success(), "{output:?}");
    let sample = SAMPLE
        .replace("127.0.0.1:8443", "127.0.0.1:0")
        .replace("127.0.0.1:9090", "127.0.0.1:0");
    drop(Proxy::start(&files, &sample).await);
}
