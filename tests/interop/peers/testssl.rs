//! testssl.sh: a scanner for known weaknesses, which implements most of the protocol itself.

use pollback_testkit::certificates::Authority;
use pollback_testkit::programs;
use serde_json::Value;
use tokio::process::Command;

use super::announce;
use crate::built::example;
use crate::child::{Running, run};
use crate::files::Files;

/// Severities of results that are correct or neutral.
const HARMLESS: [&str; 2] = ["OK", "INFO"];

/// Results about the scanner itself.
const OF_THE_SCANNER: &str = "engine_problem";

/// The checks that it must have performed, so that an empty result is meaningful.
const LOOKED_AT: [&str; 6] = [
    "TLS1_2",
    "TLS1_3",
    "heartbleed",
    "CCS",
    "ticketbleed",
    "ROBOT",
];

#[tokio::test]
async fn finds_nothing_vulnerable() {
    let Some(testssl) = programs::find("testssl") else {
        return;
    };
    let files = Files::of("testssl_finds_nothing_vulnerable");
    let (chain, key) = files.identity(&Authority::new().server());
    let mut server = example("server").await;
    // With tickets, since there is a test for leaks by them.
    server.args(["--tickets", "--listen", "127.0.0.1:0", "--cert"]);
    server.arg(chain).arg("--key").arg(key);
    let (server, address) = Running::listening(&mut server).await;

    let report = files.path("report.json");
    let mut scan = Command::new(testssl);
    // The versions, and all named vulnerabilities.
    scan.args(["--protocols", "--vulnerable"])
        .args(["--quiet", "--warnings", "off", "--color", "0"])
        .args(["--ip", "127.0.0.1", "--jsonfile-pretty"])
        .arg(&report)
        .arg(format!("localhost:{}", address.port()));
    // Its exit status counts its findings, including a missing engine.
    let scanned = run(&mut scan, b"").await;
    server.end().await;
    let report = std::fs::read(report).unwrap_or_else(|error| panic!("{error}: {scanned:#?}"));
    let report: Value = serde_json::from_slice(&report).expect("a report in JSON");
    announce(
        "testssl",
        report["version"].as_str().unwrap_or("no version"),
    );

    let mut findings = Vec::new();
    collect(&report, &mut findings);
    for id in LOOKED_AT {
        let found = findings.iter().any(|finding| finding["id"] == id);
        assert!(found, "nothing on {id}: {scanned:#?}");
    }
    findings.retain(|finding| {
        let severity = finding["severity"].as_str().unwrap_or_default();
        !HARMLESS.contains(&severity) && finding["id"] != OF_THE_SCANNER
    });
    assert!(findings.is_empty(), "{findings:#?}");
}

/// Everything in `report` that has a severity.
fn collect<'a>(report: &'a Value, findings: &mut Vec<&'a Value>) {
    match report {
        Value::Object(fields) if fields.contains_key("severity") => findings.push(report),
        Value::Object(fields) => fields.values().for_each(|value| collect(value, findings)),
        Value::Array(values) => values.iter().for_each(|value| collect(value, findings)),
        _ => {}
    }
}
