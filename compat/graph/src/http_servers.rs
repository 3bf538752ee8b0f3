//! HTTP servers with curl, which Debian builds with OpenSSL, and a byte server with openssl.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use poem::listener::{Listener, RustlsCertificate, RustlsConfig};
use poem::{RouteMethod, handler};
use tls_listener::TlsListener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use crate::Outcome;
use crate::place::Place;
use crate::process::{free_port, run};
use crate::report::{chain, digest, payload, same};

const LENGTHS: [usize; 4] = [0, 1, 16 * 1024 + 1, 2_000_000];
const ALPN: &[&str] = &["h2", "http/1.1"];

pub(crate) async fn axum_server(place: &Place) -> Outcome {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    tcp.set_nonblocking(true)?;
    let port = tcp.local_addr()?.port();
    let app = Router::new()
        .route("/hello", get(|| async { "hello" }))
        .route("/echo", post(|body: Bytes| async { body }))
        .layer(axum::extract::DefaultBodyLimit::disable());
    let config = place.server_config(ALPN, false);
    let config = axum_server::tls_rustls::RustlsConfig::from_config(config);
    let server = axum_server::from_tcp_rustls(tcp, config)?;
    let handle = axum_server::Handle::new();
    let server = server.handle(handle.clone()).serve(app.into_make_service());
    let server = tokio::spawn(server);
    exercise("axum-server", place, port).await?;
    handle.graceful_shutdown(None);
    server.await??;
    println!("axum-server: graceful shutdown");
    Ok(())
}

#[handler]
fn hello() -> &'static str {
    "hello"
}

#[handler]
fn echo(body: Vec<u8>) -> Vec<u8> {
    body
}

pub(crate) async fn poem(place: &Place) -> Outcome {
    let port = free_port();
    let certificate = RustlsCertificate::new()
        .cert(place.read("server.pem"))
        .key(place.read("server.key"));
    let config = RustlsConfig::new().fallback(certificate);
    let app = poem::Route::new()
        .at("/hello", RouteMethod::new().get(hello))
        .at("/echo", RouteMethod::new().post(echo));
    let listener = poem::listener::TcpListener::bind(("127.0.0.1", port)).rustls(config);
    let acceptor = listener.into_acceptor().await?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = poem::Server::new_with_acceptor(acceptor);
    let server = tokio::spawn(server.run_with_graceful_shutdown(
        app,
        async {
            let _ = stopped.await;
        },
        None,
    ));
    exercise("poem", place, port).await?;
    let _ = stop.send(());
    server.await??;
    println!("poem: graceful shutdown");
    Ok(())
}

/// curl over HTTP/1.1 and HTTP/2 and both versions of TLS, with bodies in both directions.
async fn exercise(name: &str, place: &Place, port: u16) -> Outcome {
    for (http, tls) in [("1.1", "1.2"), ("1.1", "1.3"), ("2", "1.2"), ("2", "1.3")] {
        for length in LENGTHS {
            let sent = payload(length);
            let flags = flags(place, http, tls);
            let mut curl = Command::new("curl");
            curl.args(&flags)
                .args(["--data-binary", "@-", "--header", "Expect:"])
                .args(["--header", "Content-Type: application/octet-stream"])
                .args([
                    "--write-out",
                    "%{stderr}HTTP/%{http_version}, connections: %{num_connects}",
                ])
                .arg(format!("https://localhost:{port}/echo"))
                // The same connection again.
                .arg("--next")
                .args(&flags)
                .args(["--write-out", "%{stderr} + %{num_connects}"])
                .arg(format!("https://localhost:{port}/hello"));
            let output = run(&mut curl, &sent).await?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let Some(body) = output.stdout.strip_suffix(b"hello") else {
                let got = String::from_utf8_lossy(&output.stdout);
                return Err(format!("curl: {}: {said}: {got}", output.status).into());
            };
            same(&body, &sent)?;
            println!("{name}: curl, TLS {tls}: {said}, {}", digest(body));
        }
    }
    Ok(())
}

/// The arguments of every request of curl.
fn flags(place: &Place, http: &str, tls: &str) -> Vec<String> {
    let root = place.text_path("root.pem");
    let (http, minimum) = (format!("--http{http}"), format!("--tlsv{tls}"));
    [
        "--silent",
        "--show-error",
        "--max-time",
        "60",
        "--noproxy",
        "*",
        &http,
        &minimum,
    ]
    .into_iter()
    .chain(["--tls-max", tls, "--cacert", &root])
    .map(str::to_owned)
    .collect()
}

/// The results of the connections to a server.
struct Seen {
    handshakes: usize,
    failures: Vec<String>,
}

pub(crate) async fn tls_listener(place: &Place) -> Outcome {
    let acceptor = TlsAcceptor::from(place.server_config(&[], true));
    let tcp = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = tcp.local_addr()?.port();
    let mut listener = TlsListener::new(acceptor, tcp);
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        let mut seen = Seen {
            handshakes: 0,
            failures: Vec::new(),
        };
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = &mut stopped => return seen,
            };
            match accepted {
                Ok((stream, SocketAddr::V4(_) | SocketAddr::V6(_))) => {
                    seen.handshakes += 1;
                    tokio::spawn(async move {
                        let (mut reader, mut writer) = tokio::io::split(stream);
                        tokio::io::copy(&mut reader, &mut writer).await?;
                        writer.shutdown().await
                    });
                }
                Err(error) => seen.failures.push(chain(&error)),
            }
        }
    });
    for tls in ["-tls1_2", "-tls1_3"] {
        for length in [1, 16 * 1024 + 1, 1024 * 1024] {
            let mut openssl = openssl(place, port);
            openssl.arg(tls).arg("-cert").arg(place.path("client.pem"));
            openssl.arg("-key").arg(place.path("client.key"));
            let echoed = echoed(openssl, &payload(length)).await?;
            println!("tls-listener: openssl {tls}: {}", digest(&echoed));
        }
        // No certificate, although this server requires one.
        let mut openssl = openssl(place, port);
        openssl.arg(tls);
        let refused = run(&mut openssl, b"").await?;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        let alert = said.lines().find(|line| line.contains("alert"));
        let alert = alert
            .and_then(|line| line.split(':').nth(5))
            .unwrap_or("no alert");
        println!("tls-listener: openssl {tls} without a certificate: {alert}");
    }
    let _ = stop.send(());
    let seen = server.await?;
    println!(
        "tls-listener: {} handshakes, {:?}",
        seen.handshakes, seen.failures
    );
    Ok(())
}

fn openssl(place: &Place, port: u16) -> Command {
    let mut openssl = Command::new("openssl");
    openssl
        .args(["s_client", "-quiet", "-verify_return_error", "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .args(["-servername", "localhost", "-CAfile"])
        .arg(place.path("root.pem"));
    openssl
}

/// Returns the echo of `sent`. `openssl` does not exit while the server keeps the connection open.
async fn echoed(mut openssl: Command, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut child = openssl
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut received = vec![0; sent.len()];
    let (written, read) = tokio::join!(stdin.write_all(sent), stdout.read_exact(&mut received));
    written?;
    read?;
    child.kill().await?;
    Ok(received)
}
