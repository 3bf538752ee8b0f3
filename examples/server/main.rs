//! Says hello over HTTPS, with a certificate of yours or one that it makes.
//!
//! ```sh
//! cargo run --example server -- --write-root root.pem
//! curl --cacert root.pem https://localhost:4433/
//! cargo run --example server -- --cert chain.pem --key key.pem --listen 0.0.0.0:443
//! ```
//!
//! The first line on stdout names the address that is listened on.

mod certificate;
mod http;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pollback::TlsAcceptor;
use pollback::rustls::{self, ServerConfig, SupportedProtocolVersion, version};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

type BoxError = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: server [--listen ADDRESS] [--cert FILE --key FILE | --write-root FILE]
              [--tls12] [--tls13] [--count CONNECTIONS]";
/// How long a client may take for its handshake, and again for its request.
const DEADLINE: Duration = Duration::from_secs(10);

struct Options {
    listen: SocketAddr,
    /// Certificate chain and key; without them they are made.
    given: Option<(PathBuf, PathBuf)>,
    /// Where the root of the made certificate goes.
    write_root: Option<PathBuf>,
    versions: Vec<&'static SupportedProtocolVersion>,
    /// How many connections to serve before the end.
    count: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = options(env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match serve(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = OsString>) -> Option<Options> {
    let (mut certificate, mut key) = (None, None);
    let mut options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 4433)),
        given: None,
        write_root: None,
        versions: Vec::new(),
        count: u64::MAX,
    };
    while let Some(argument) = arguments.next() {
        match argument.to_str()? {
            "--listen" => options.listen = arguments.next()?.to_str()?.parse().ok()?,
            "--cert" => certificate = Some(arguments.next()?.into()),
            "--key" => key = Some(arguments.next()?.into()),
            "--write-root" => options.write_root = Some(arguments.next()?.into()),
            "--tls12" => options.versions.push(&version::TLS12),
            "--tls13" => options.versions.push(&version::TLS13),
            "--count" => options.count = arguments.next()?.to_str()?.parse().ok()?,
            _ => return None,
        }
    }
    options.given = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return None,
    };
    if options.given.is_some() && options.write_root.is_some() {
        return None;
    }
    Some(options)
}

async fn serve(options: Options) -> Result<(), BoxError> {
    let acceptor = TlsAcceptor::from(Arc::new(config(&options)?));
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|e| format!("cannot listen on {}: {e}", options.listen))?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;

    let mut connections = JoinSet::new();
    let mut left = options.count;
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    while left > 0 {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut interrupted => break,
            // Takes finished ones out of the set; without any it is never ready.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((tcp, peer)) => {
                left -= 1;
                connections.spawn(connection(acceptor.clone(), tcp, peer));
            }
            Err(error) => {
                // Out of descriptors, most likely: accepting again at once would only spin.
                eprintln!("server: accept: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    // Those under way may finish; a deadline holds for each of them.
    while connections.join_next().await.is_some() {}
    Ok(())
}

fn config(options: &Options) -> Result<ServerConfig, BoxError> {
    let (chain, key) = match &options.given {
        Some((chain, key)) => certificate::read(chain, key)?,
        None => certificate::make(options.write_root.as_deref())?,
    };
    let versions = match &options.versions[..] {
        [] => rustls::DEFAULT_VERSIONS,
        chosen => chosen,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Serves one client. What goes wrong with it is reported, and concerns no other.
async fn connection(acceptor: TlsAcceptor, tcp: TcpStream, peer: SocketAddr) {
    let deadline = || io::Error::new(io::ErrorKind::TimedOut, "the client took too long");
    let handshake = timeout(DEADLINE, acceptor.accept(tcp)).await;
    let mut stream = match handshake.unwrap_or_else(|_| Err(deadline())) {
        Ok(stream) => stream,
        Err(error) => return eprintln!("server: {peer}: handshake: {}", explanation(&error)),
    };
    let (_, connection) = stream.get_ref();
    let hello = match connection.protocol_version() {
        Some(version) => format!("hello over {version:?}\n"),
        None => "hello\n".to_owned(),
    };
    let answered = timeout(DEADLINE, http::answer(&mut stream, &hello)).await;
    if let Err(error) = answered.unwrap_or_else(|_| Err(deadline())) {
        eprintln!("server: {peer}: {}", explanation(&error));
    }
}

/// What went wrong, in a word on what it means where TLS failed.
fn explanation(error: &io::Error) -> String {
    match pollback::Error::find(error) {
        Some(found) => format!("{found} ({error})"),
        None => error.to_string(),
    }
}
