//! sslyze: a scanner for known weaknesses.

use pollback_testkit::certificates::Authority;
use pollback_testkit::programs;
use serde_json::Value;
use tokio::process::Command;

use super::announce;
use crate::built::example;
use crate::child::{Running, run};
use crate::files::Files;

/// The expected results: the option, the name of its scan, a field of its result, and the required
/// value.
#[rustfmt::skip]
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("--sslv2", "ssl_2_0_cipher_suites", "is_tls_version_supported", "false"),
    ("--sslv3", "ssl_3_0_cipher_suites", "is_tls_version_supported", "false"),
    ("--tlsv1", "tls_1_0_cipher_suites", "is_tls_version_supported", "false"),
    ("--tlsv1_1", "tls_1_1_cipher_suites", "is_tls_version_supported", "false"),
    ("--tlsv1_2", "tls_1_2_cipher_suites", "is_tls_version_supported", "true"),
    ("--tlsv1_3", "tls_1_3_cipher_suites", "is_tls_version_supported", "true"),
    ("--heartbleed", "heartbleed", "is_vulnerable_to_heartbleed", "false"),
    ("--robot", "robot", "robot_result", "\"NOT_VULNERABLE_RSA_NOT_SUPPORTED\""),
    ("--openssl_ccs", "openssl_ccs_injection", "is_vulnerable_to_ccs_injection", "false"),
    ("--reneg", "session_renegotiation", "supports_secure_renegotiation", "true"),
    ("--reneg", "session_renegotiation", "is_vulnerable_to_client_renegotiation_dos", "false"),
    ("--compression", "tls_compression", "supports_compression", "false"),
    ("--fallback", "tls_fallback_scsv", "supports_fallback_scsv", "true"),
    ("--early_data", "tls_1_3_early_data", "supports_early_data", "false"),
    ("--ems", "tls_extended_master_secret", "supports_ems_extension", "true"),
    ("--resum", "session_resumption", "session_id_resumption_result", "\"FULLY_SUPPORTED\""),
];

#[tokio::test]
async fn finds_nothing_vulnerable() {
    let Some(sslyze) = programs::find("sslyze") else {
        return;
    };
    let files = Files::of("finds_nothing_vulnerable");
    let (chain, key) = files.identity(&Authority::new().server());
    let mut server = example("server").await;
    server.args(["--listen", "127.0.0.1:0", "--cert"]);
    server.arg(chain).arg("--key").arg(key);
    let (server, address) = Running::listening(&mut server).await;

    let mut scan = Command::new(sslyze);
    let report = files.path("report.json");
    scan.args(EXPECTED.iter().map(|(option, ..)| option))
        .args(["--quiet", "--json_out"])
        .arg(&report)
        .arg(address.to_string());
    let scanned = run(&mut scan, b"").await.succeeded();
    server.end().await;
    let report = std::fs::read(report).expect("a report");
    let report: Value = serde_json::from_slice(&report).expect("a report in JSON");
    announce(
        "sslyze",
        report["sslyze_version"].as_str().unwrap_or("no version"),
    );

    let results = &report["server_scan_results"][0]["scan_result"];
    for (option, scan, field, value) in EXPECTED {
        let found = results[scan]["result"][field].to_string();
        assert_eq!(found, *value, "{option}: {field} in {scan}: {scanned:#?}");
    }
}
