//! nginx: a server, and a proxy that is a client.

use std::path::Path;

use super::{Meeting, meet_client, meet_server, plain, program};
use crate::child::Running;
use crate::port::Reserved;

/// Starts nginx, as one process, with these directives for its only server.
async fn start(meeting: &Meeting, nginx: &Path, server: &str) -> Running {
    // All paths are relative to the folder that nginx is started with.
    let config = format!(
        r#"
        daemon off;
        master_process off;
        pid nginx.pid;
        error_log /dev/stdout notice;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path bodies;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            map $ssl_protocol $version {{ TLSv1.2 TLSv1_2; TLSv1.3 TLSv1_3; }}
            map $ssl_session_reused $kind {{ r Resumed; default Full; }}
            map $ssl_client_s_dn $certificate {{ "" ""; default ", with a client certificate"; }}
            server {{
                {server}
            }}
        }}
        "#
    );
    meeting.files.write("nginx.conf", config);
    let mut nginx = meeting.command(nginx);
    nginx.args(["-p", ".", "-c", "nginx.conf", "-e", "/dev/stdout"]);
    let mut nginx = Running::start(&mut nginx, b"").await;
    // Printed once the socket listens.
    nginx.line("using the \"epoll\" event method").await;
    nginx
}

#[tokio::test]
async fn as_client() {
    let Some(nginx) = program("nginx", "-v") else {
        return;
    };
    // As a proxy it offers no protocol to servers.
    meet_client("nginx", ["none"; 2], async |meeting, port| {
        let reserved = Reserved::new();
        let (own, version) = (reserved.number(), meeting.number());
        let server = format!(
            "listen 127.0.0.1:{own};
             location / {{
                 proxy_pass https://127.0.0.1:{port};
                 proxy_ssl_protocols TLSv{version};
                 proxy_ssl_server_name on;
                 proxy_ssl_name localhost;
                 proxy_ssl_verify on;
                 proxy_ssl_trusted_certificate root.pem;
                 proxy_ssl_certificate client.pem;
                 proxy_ssl_certificate_key client.key;
             }}"
        );
        let proxy = start(meeting, &nginx, &server).await;
        let told = plain::get(own).await + &plain::get(own).await;
        proxy.end().await;
        told
    })
    .await;
}

#[tokio::test]
async fn as_server() {
    let Some(nginx) = program("nginx", "-v") else {
        return;
    };
    meet_server("nginx", Meeting::hellos, async |meeting| {
        let reserved = Reserved::new();
        let (port, version) = (reserved.number(), meeting.number());
        let clients = if meeting.mutual { "on" } else { "off" };
        let server = format!(
            r#"listen 127.0.0.1:{port} ssl http2;
               ssl_protocols TLSv{version};
               ssl_certificate server.pem;
               ssl_certificate_key server.key;
               ssl_session_cache shared:sessions:1m;
               ssl_verify_client {clients};
               ssl_client_certificate root.pem;
               return 200 "hello over $version, ALPN $ssl_alpn_protocol, $kind handshake$certificate\n";"#
        );
        (start(meeting, &nginx, &server).await, port)
    })
    .await;
}
