//! openssl: a client and a server.

use std::net::SocketAddr;
use std::path::Path;

use pollback_testkit::configs::Version;
use tokio::process::Command;

use super::{GET, Meeting, meet_client_with_tickets, meet_server, program};
use crate::child::{Running, run};

/// An `openssl s_client` for the server, which requires `localhost` and the root.
pub(crate) fn s_client(root: &Path, address: SocketAddr) -> Option<Command> {
    let mut openssl = Command::new(program("openssl", "version")?);
    openssl
        .args(["s_client", "-connect", &address.to_string()])
        .args(["-servername", "localhost", "-verify_hostname", "localhost"])
        .args(["-verify_return_error", "-ign_eof", "-CAfile"])
        .arg(root);
    Some(openssl)
}

/// An `openssl s_server` in `folder` on a port of its choice, which it prints first.
pub(crate) fn s_server(folder: &Path) -> Option<Command> {
    let mut openssl = Command::new(program("openssl", "version")?);
    openssl
        .args(["s_server", "-accept", "127.0.0.1:0"])
        .current_dir(folder);
    Some(openssl)
}

fn version(meeting: &Meeting) -> &'static str {
    match meeting.version {
        Version::Tls12 => "-tls1_2",
        Version::Tls13 => "-tls1_3",
    }
}

#[tokio::test]
async fn as_client() {
    if program("openssl", "version").is_none() {
        return;
    }
    for tickets in Version::ALL {
        meet_client_with_tickets(tickets, "openssl", ["http/1.1"; 2], visit).await;
    }
}

async fn visit(meeting: &Meeting, port: u16) -> String {
    let root = meeting.files.path("root.pem");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut told = String::new();
    for (session, kind) in [("-sess_out", "New"), ("-sess_in", "Reused")] {
        let mut client = s_client(&root, address).expect("it was found");
        client
            .current_dir(meeting.files.folder())
            .args([version(meeting), "-alpn", "other,http/1.1"])
            .args(["-cert", "client.pem", "-key", "client.key"])
            .args([session, "session.pem"]);
        let answer = run(&mut client, GET).await.succeeded().stdout;
        let connected = format!("{kind}, TLSv{}, Cipher is ", meeting.number());
        assert!(answer.contains(&connected), "no {connected:?} in {answer}");
        assert!(answer.contains("Verify return code: 0 (ok)"), "{answer}");
        told += &answer;
    }
    told
}

#[tokio::test]
async fn as_server() {
    if program("openssl", "version").is_none() {
        return;
    }
    let says = |meeting: &Meeting| {
        let number = meeting.number();
        ["New", "Reused"].map(|kind| format!("{kind}, TLSv{number}, Cipher is "))
    };
    meet_server("openssl", says, async |meeting| {
        let mut server = s_server(meeting.files.folder()).expect("it was found");
        server
            .args([version(meeting), "-www", "-alpn", "http/1.1"])
            .args(["-cert", "server.pem", "-key", "server.key"]);
        if meeting.mutual {
            server
                .args(["-CAfile", "root.pem"])
                .args(["-Verify", "1", "-verify_return_error"]);
        }
        let mut server = Running::start(&mut server, b"").await;
        let address = server.address("ACCEPT ").await;
        (server, address.port())
    })
    .await;
}
