//! h2load: many requests over few connections.

use pollback_testkit::certificates::Authority;
use tokio::process::Command;

use super::program;
use crate::built::example;
use crate::child::{Running, run};
use crate::files::Files;

#[tokio::test]
async fn every_request_succeeds() {
    let Some(h2load) = program("h2load", "--version") else {
        return;
    };
    let files = Files::of("every_request_succeeds");
    let (chain, key) = files.identity(&Authority::new().server());
    let mut server = example("http").await;
    server.arg(chain).arg(key).arg("127.0.0.1:0");
    let (server, address) = Running::listening(&mut server).await;
    let url = format!("https://localhost:{}/", address.port());
    for (option, protocol) in [("--npn-list=h2", "h2"), ("--h1", "http/1.1")] {
        let mut command = Command::new(&h2load);
        command.args(["--requests=2000", "--clients=20"]).args([
            "--max-concurrent-streams=10",
            option,
            &url,
        ]);
        let report = run(&mut command, b"").await.succeeded().stdout;
        for words in [
            &format!("Application protocol: {protocol}\n"),
            "requests: 2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed",
            "status codes: 2000 2xx",
        ] {
            assert!(report.contains(words), "no {words:?} in:\n{report}");
        }
    }
    server.end().await;
}
