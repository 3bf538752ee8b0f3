//! HTTP clients and nginx.

use bytes::Bytes;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::Outcome;
use crate::fetch::{Fetch, REQUEST};
use crate::place::Place;
use crate::process::{Server, free_port};
use crate::relay;
use crate::report::{digest, payload, same};

/// The lengths of bodies that are sent in both directions.
const LENGTHS: [usize; 6] = [0, 1, 16 * 1024, 16 * 1024 + 1, 1024 * 1024, 10_000_000];

/// How much the server sends before its connection is cut off: after the handshake, within a body.
const CUT: u64 = 60_000;

pub(crate) async fn reqwest(place: &Place) -> Outcome {
    let (_nginx, port) = nginx(place).await?;
    for alpn in [&["http/1.1"][..], &["h2"], &["h2", "http/1.1"]] {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(place.client_config(alpn))
            .no_proxy()
            .build()?;
        exercise("reqwest", &client, port).await?;
    }
    Ok(())
}

pub(crate) async fn hyper_rustls(place: &Place) -> Outcome {
    let (_nginx, port) = nginx(place).await?;
    for http2 in [false, true] {
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config(place.client_config(&[]))
            .https_only();
        let connector = match http2 {
            true => builder.enable_http2().build(),
            false => builder.enable_http1().build(),
        };
        let client = Client::builder(TokioExecutor::new())
            .http2_only(http2)
            .build(connector);
        exercise("hyper-rustls", &client, port).await?;
    }
    Ok(())
}

/// Bodies up and down on one connection, then a truncated response.
async fn exercise(name: &str, client: &impl Fetch, port: u16) -> Outcome {
    let mut reused = false;
    for length in LENGTHS {
        let uri = format!("https://localhost:{port}/files/{length}");
        let sent = Bytes::from(payload(length));
        let put = client.fetch(&uri, Some(sent.clone())).await?;
        let got = client.fetch(&uri, None).await?;
        same(&got.body, &sent)?;
        reused |= got.request != "1";
        println!(
            "{name}: {:?} put {}; get {}, {}",
            got.version,
            put.status,
            got.status,
            digest(&got.body),
        );
    }
    println!("{name}: connections were used again: {reused}");
    let (cutting, task) = relay::cut(port, CUT).await?;
    let uri = format!("https://localhost:{cutting}/files/1048576");
    let error = client.fetch(&uri, None).await.err();
    println!(
        "{name}: a response that is cut: {}",
        error
            .unwrap_or_else(|| "no error".to_owned())
            .replace(&cutting.to_string(), "PORT")
    );
    task.abort();
    Ok(())
}

async fn nginx(place: &Place) -> Result<(Server, u16), String> {
    let port = free_port();
    // nginx cannot store an empty body: it has no file that could be moved into place.
    place.write("www/files/0", "");
    let folder = |name: &str| place.text_path(name);
    let config = format!(
        "daemon off; worker_processes 1; pid {pid}; error_log stderr warn;
         {user}
         events {{}}
         http {{
             access_log off;
             client_body_temp_path {temp}; proxy_temp_path {temp}; fastcgi_temp_path {temp};
             uwsgi_temp_path {temp}; scgi_temp_path {temp};
             client_max_body_size 32m;
             server {{
                 listen 127.0.0.1:{port} ssl http2;
                 ssl_certificate {certificate};
                 ssl_certificate_key {key};
                 ssl_protocols TLSv1.2 TLSv1.3;
                 add_header {REQUEST} $connection_requests always;
                 location / {{ root {root}; dav_methods PUT; }}
             }}
         }}",
        pid = folder("nginx.pid"),
        user = as_user(),
        temp = folder("temp"),
        certificate = folder("server.pem"),
        key = folder("server.key"),
        root = folder("www"),
    );
    let config = place.write("nginx.conf", config);
    let arguments = [
        "-c".as_ref(),
        config.as_os_str(),
        "-p".as_ref(),
        place.path("").as_os_str(),
    ]
    .map(ToOwned::to_owned);
    let server = Server::start(place, "nginx", arguments, port).await?;
    Ok((server, port))
}

/// A line that makes nginx run as the user that has started it: another user could not write here.
pub(crate) fn as_user() -> &'static str {
    match rustix::process::geteuid().is_root() {
        true => "user root;",
        false => "",
    }
}
