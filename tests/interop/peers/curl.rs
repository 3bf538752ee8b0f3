//! curl: a client.

use std::net::SocketAddr;
use std::path::Path;

use tokio::process::Command;

use super::{meet_client, program};
use crate::child::run;

/// A `curl` for the server, which it accesses as `host`.
pub(crate) fn curl(root: &Path, host: &str, address: SocketAddr) -> Option<Command> {
    let mut curl = Command::new(program("curl", "--version")?);
    let port = address.port();
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
        .arg(root)
        .args(["--resolve", &format!("{host}:{port}:{}", address.ip())])
        .arg(format!("https://{host}:{port}/"));
    Some(curl)
}

#[tokio::test]
async fn as_client() {
    if program("curl", "--version").is_none() {
        return;
    }
    meet_client("curl", ["http/1.1"; 2], async |meeting, port| {
        let root = meeting.files.path("root.pem");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut curl = curl(&root, "localhost", address).expect("it was found");
        curl.current_dir(meeting.files.folder())
            .args([&format!("--tlsv{}", meeting.number()), "--tls-max"])
            .args([meeting.number(), "--http1.1"])
            .args(["--cert", "client.pem", "--key", "client.key"])
            // Sessions are stored within one run.
            .arg(format!("https://localhost:{port}/"));
        run(&mut curl, b"").await.succeeded().stdout
    })
    .await;
}
