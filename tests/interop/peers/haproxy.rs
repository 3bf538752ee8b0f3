//! haproxy: a server, and a proxy that is a client.

use std::net::TcpListener;
use std::path::Path;

use super::{Meeting, meet_client, meet_server, plain, program};
use crate::child::Running;

/// Starts haproxy with these lines for a proxy, and returns the port of its descriptor 0.
fn start(meeting: &Meeting, haproxy: &Path, proxy: &str) -> (Running, u16) {
    // Several threads would each store sessions of their own.
    let config = format!(
        "global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout connect 60s
    timeout server 60s
{proxy}
"
    );
    meeting.files.write("haproxy.cfg", config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut haproxy = meeting.command(haproxy);
    haproxy.args(["-db", "-f", "haproxy.cfg"]);
    (Running::start_on(&mut haproxy, listener), port)
}

/// The options that select one version.
fn versions(meeting: &Meeting) -> String {
    let number = meeting.number();
    format!("ssl-min-ver TLSv{number} ssl-max-ver TLSv{number}")
}

#[tokio::test]
async fn as_client() {
    let Some(haproxy) = program("haproxy", "-v") else {
        return;
    };
    meet_client("haproxy", ["http/1.1"; 2], async |meeting, port| {
        let tls = versions(meeting);
        let proxy = format!(
            "listen proxy
    bind fd@0
    server example 127.0.0.1:{port} ssl crt client.both.pem alpn other,http/1.1 {tls} \
     verify required ca-file root.pem verifyhost localhost sni str(localhost)"
        );
        let (proxy, own) = start(meeting, &haproxy, &proxy);
        let told = plain::get(own).await + &plain::get(own).await;
        proxy.end().await;
        told
    })
    .await;
}

#[tokio::test]
async fn as_server() {
    let Some(haproxy) = program("haproxy", "-v") else {
        return;
    };
    meet_server("haproxy", Meeting::hellos, async |meeting| {
        let tls = versions(meeting);
        let hello = "hello over %[var(txn.version)], ALPN %[ssl_fc_alpn], \
            %[var(txn.kind)] handshake%[var(txn.certificate)]";
        let clients = if meeting.mutual { "required" } else { "none" };
        let proxy = format!(
            r#"frontend server
    bind fd@0 ssl crt server.both.pem alpn h2,http/1.1 {tls} verify {clients} ca-file root.pem
    http-request set-var(txn.version) ssl_fc_protocol,regsub(\.,_)
    http-request set-var(txn.kind) ssl_fc_is_resumed,iif(Resumed,Full)
    http-request set-var-fmt(txn.certificate) ", with a client certificate" if {{ ssl_c_used }}
    http-request return status 200 content-type text/plain lf-string "{hello}\n""#
        );
        start(meeting, &haproxy, &proxy)
    })
    .await;
}
