//! Node, Go and Java with their own TLS: each a client and a server, with a source file in
//! `programs/`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::{Meeting, meet_client, meet_server, program};
use crate::bounded::bounded;
use crate::child::{Running, run};

/// Enough for the libraries of Go on a slow machine.
const BUILD: Duration = Duration::from_secs(600);

/// A command that runs a peer, without the arguments of the peer.
type Words = Vec<OsString>;

fn source(name: &str) -> OsString {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/programs");
    folder.join(name).into()
}

fn node() -> Option<Words> {
    let node = program("node", "--version")?;
    Some(vec![node.into(), source("peer.js")])
}

fn java() -> Option<Words> {
    let java = program("java", "--version")?;
    // It does not run long enough for optimized code to pay off.
    let quick = "-XX:TieredStopAtLevel=1".into();
    Some(vec![java.into(), quick, source("Peer.java")])
}

async fn go() -> Option<Words> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let go = program("go", "version")?;
    let built = BUILT.get_or_init(async || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop/go");
        let peer = folder.join("peer");
        let mut build = Command::new(go);
        build
            .args(["build", "-o"])
            .arg(&peer)
            .arg(source("peer.go"))
            // Kept, because it contains the libraries.
            .env("GOCACHE", folder.join("cache"))
            .kill_on_drop(true);
        let status = bounded(BUILD, "go build", build.status()).await;
        assert!(status.expect("go starts").success(), "peer.go builds");
        peer
    });
    Some(vec![built.await.into()])
}

fn command(meeting: &Meeting, words: &[OsString], role: &str, last: &str) -> Command {
    let mut command = meeting.command(&words[0]);
    command
        .args(&words[1..])
        .args([role, &format!("TLSv{}", meeting.number()), last]);
    command
}

async fn as_client(peer: &str, alpn: [&str; 2], words: Option<Words>) {
    let Some(words) = words else { return };
    meet_client(peer, alpn, async |meeting, port| {
        let mut client = command(meeting, &words, "client", &port.to_string());
        run(&mut client, b"").await.succeeded().stdout
    })
    .await;
}

async fn as_server(peer: &str, says: fn(&Meeting) -> [String; 2], words: Option<Words>) {
    let Some(words) = words else { return };
    meet_server(peer, says, async |meeting| {
        let demand = if meeting.mutual {
            "certificate"
        } else {
            "nothing"
        };
        let mut server = command(meeting, &words, "server", demand);
        let (server, address) = Running::listening(&mut server).await;
        (server, address.port())
    })
    .await;
}

#[tokio::test]
async fn node_as_client() {
    as_client("node", ["http/1.1"; 2], node()).await;
}

#[tokio::test]
async fn node_as_server() {
    as_server("node", Meeting::hellos, node()).await;
}

#[tokio::test]
async fn go_as_client() {
    as_client("go", ["http/1.1"; 2], go().await).await;
}

#[tokio::test]
async fn go_as_server() {
    as_server("go", Meeting::hellos, go().await).await;
}

#[tokio::test]
async fn java_as_client() {
    // It remembers that the server does not support HTTP/2, and then offers no protocol.
    as_client("java", ["http/1.1", "none"], java()).await;
}

#[tokio::test]
async fn java_as_server() {
    // Java does not report to a server whether a session is resumed.
    let says = |meeting: &Meeting| {
        let version = meeting.number().replace('.', "_");
        let certificate = meeting.certificate();
        [(); 2].map(|()| format!("hello over TLSv{version}, ALPN http/1.1{certificate}\n"))
    };
    as_server("java", says, java()).await;
}
