//! GnuTLS: a client and a server.

use super::{GET, Meeting, meet_client, meet_server, program};
use crate::child::{Running, run};
use crate::port::Reserved;

/// The option that selects one version.
fn priority(meeting: &Meeting) -> String {
    format!("--priority=NORMAL:-VERS-ALL:+VERS-TLS{}", meeting.number())
}

#[tokio::test]
async fn as_client() {
    let Some(client) = program("gnutls-cli", "--version") else {
        return;
    };
    meet_client("gnutls", ["http/1.1"; 2], async |meeting, port| {
        let mut told = String::new();
        // The second run makes two connections, and sends nothing in the first one.
        for options in [&[][..], &["--resume", "--waitresumption"]] {
            let mut client = meeting.command(&client);
            client
                .args(["--x509cafile=root.pem", "--x509certfile=client.pem"])
                .args(["--x509keyfile=client.key", "--sni-hostname=localhost"])
                .args(["--verify-hostname=localhost", "--alpn=other"])
                .arg("--alpn=http/1.1")
                .arg(priority(meeting))
                .args(options)
                .args(["--port", &port.to_string(), "127.0.0.1"]);
            told += &run(&mut client, GET).await.succeeded().stdout;
        }
        told
    })
    .await;
}

#[tokio::test]
async fn as_server() {
    let Some(program) = program("gnutls-serv", "--version") else {
        return;
    };
    let says = |meeting: &Meeting| {
        let number = meeting.number();
        [(); 2].map(|()| format!("Protocol version:</TD><TD>TLS{number}</TD>"))
    };
    meet_server("gnutls", says, async |meeting| {
        let port = Reserved::new();
        // It reports on stderr that it listens, on all addresses: no option limits that.
        let mut server = meeting.command("sh");
        server
            .args(["-c", "exec \"$0\" \"$@\" 2>&1"])
            .arg(&program)
            .args(["--http", "--alpn=http/1.1"])
            .args(["--x509certfile=server.pem", "--x509keyfile=server.key"])
            .args(["--port", &port.number().to_string()])
            .arg(priority(meeting));
        if meeting.mutual {
            server.args(["--require-client-cert", "--verify-client-cert"]);
            server.arg("--x509cafile=root.pem");
        }
        let mut server = Running::start(&mut server, b"").await;
        server.line("HTTP Server listening on IPv4 ").await;
        (server, port.number())
    })
    .await;
}
