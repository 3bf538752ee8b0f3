//! Says hello over HTTPS, with your certificate or one that it creates.
//!
//! ```sh
//! cargo run --example server -- --write-root root.pem
//! curl --cacert root.pem https://localhost:4433/
//! cargo run --example server -- --cert chain.pem --key key.pem --listen 0.0.0.0:443
//! ```
//!
//! With `--early-data` (feature `early-data`) a client that resumes a session can send its request as
//! early data (0-RTT), and the response is sent at once; not with `--tickets`, which make the session
//! stateless.
//!
//! With `--client-roots` every client has to present a certificate that one of these roots has issued.
//! With `--next` (feature `next`) all of this is done by a pre-release of rustls 0.24. The first line
//! on stdout is the address that the server listens on.

mod certificate;
mod http;
#[cfg(feature = "next")]
mod next;
mod options;
#[path = "../parts/pem.rs"]
mod pem;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pollback::rustls::crypto::aws_lc_rs::{self, Ticketer};
use pollback::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use pollback::rustls::{self, ServerConfig, ServerConnection};
use pollback::stream::{Handshake, TlsConnection};
use pollback::{Accept, ErrorKind, TlsAcceptor};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::options::{HELP, Options, USAGE};

type BoxError = Box<dyn Error + Send + Sync>;

/// How much early data is accepted: enough for the head of a request.
const EARLY_DATA: u32 = 16 * 1024;

/// The timeout for the handshake, and again for the request.
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    if env::args_os().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}\n\n{HELP}");
        return ExitCode::SUCCESS;
    }
    let Some(options) = Options::parse(env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    // In a task of the runtime's workers: the main task would have to be woken for each connection.
    let served = tokio::spawn(serve(options)).await;
    match served.unwrap_or_else(|error| Err(error.into())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Options) -> Result<(), BoxError> {
    let acceptor = Acceptor::new(&options)?;
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
            // Removes finished tasks from the set. The branch is disabled if the set is empty.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((tcp, peer)) => {
                left -= 1;
                acceptor.spawn(tcp, peer, &mut connections);
            }
            Err(error) => {
                // Most likely out of descriptors: accepting again at once would only spin.
                eprintln!("server: accept: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    // Open connections may finish; each has a timeout.
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// For either version of rustls.
enum Acceptor {
    Current(TlsAcceptor),
    #[cfg(feature = "next")]
    Next(pollback::next::TlsAcceptor),
}

impl Acceptor {
    fn new(options: &Options) -> Result<Self, BoxError> {
        if options.next {
            #[cfg(feature = "next")]
            return Ok(Self::Next(next::acceptor(options)?));
            #[cfg(not(feature = "next"))]
            return Err("--next needs the feature `next`".into());
        }
        let acceptor = TlsAcceptor::from(Arc::new(config(options)?));
        #[cfg(feature = "early-data")]
        let acceptor = acceptor.early_data(options.early_data);
        Ok(Self::Current(acceptor))
    }

    fn spawn(&self, tcp: TcpStream, peer: SocketAddr, connections: &mut JoinSet<()>) {
        match self {
            Self::Current(acceptor) => {
                let accept: Accept<TcpStream> = acceptor.accept(tcp);
                connections.spawn(connection(accept, peer, facts));
            }
            #[cfg(feature = "next")]
            Self::Next(acceptor) => {
                connections.spawn(connection(acceptor.accept(tcp), peer, next::facts));
            }
        }
    }
}

fn identity(options: &Options) -> Result<pem::Identity, BoxError> {
    match &options.given {
        Some((chain, key)) => pem::identity(chain, key),
        None => certificate::make(options.write_root.as_deref()),
    }
}

fn config(options: &Options) -> Result<ServerConfig, BoxError> {
    let (chain, key) = identity(options)?;
    let versions = match &options.versions[..] {
        [] => rustls::DEFAULT_VERSIONS,
        chosen => chosen,
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clients = match &options.client_roots {
        Some(path) => {
            let roots = Arc::new(pem::roots(path)?);
            WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?
        }
        None => Arc::new(NoClientAuth),
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if options.tickets {
        config.ticketer = Ticketer::new()?;
    }
    if options.early_data {
        config.max_early_data_size = EARLY_DATA;
        config.send_half_rtt_data = true;
    }
    Ok(config)
}

/// Serves one client. Failures are reported, and do not affect others.
async fn connection<C: TlsConnection>(
    handshake: Handshake<TcpStream, C>,
    peer: SocketAddr,
    facts: fn(&C) -> Facts,
) {
    let deadline = || io::Error::new(io::ErrorKind::TimedOut, "the client took too long");
    let handshake = timeout(DEADLINE, handshake).await;
    let mut stream = match handshake.unwrap_or_else(|_| Err(deadline())) {
        Ok(stream) => stream,
        Err(error) => return eprintln!("server: {peer}: handshake: {}", explanation(&error)),
    };
    let hello = facts(stream.get_ref().1).hello();
    let answered = timeout(DEADLINE, http::answer(&mut stream, &hello)).await;
    if let Err(error) = answered.unwrap_or_else(|_| Err(deadline())) {
        eprintln!("server: {peer}: {}", explanation(&error));
    }
}

/// The properties of a client's connection.
struct Facts {
    version: Option<String>,
    alpn: Option<Vec<u8>>,
    handshake: Option<String>,
    has_certificate: bool,
}

fn facts(connection: &ServerConnection) -> Facts {
    Facts {
        version: connection.protocol_version().map(|it| format!("{it:?}")),
        alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
        handshake: connection.handshake_kind().map(|it| format!("{it:?}")),
        has_certificate: connection.peer_certificates().is_some(),
    }
}

impl Facts {
    /// The response text.
    fn hello(&self) -> String {
        let alpn = self.alpn.as_deref().unwrap_or(b"none");
        let mut hello = "hello".to_owned();
        if let Some(version) = &self.version {
            hello += &format!(" over {version}");
        }
        hello += &format!(", ALPN {}", alpn.escape_ascii());
        if let Some(kind) = &self.handshake {
            hello += &format!(", {kind} handshake");
        }
        if self.has_certificate {
            hello += ", with a client certificate";
        }
        hello
    }
}

/// An error, explained if it is one of TLS.
fn explanation(error: &io::Error) -> String {
    let Some(found) = pollback::Error::find(error) else {
        return error.to_string();
    };
    match found.source() {
        // For alerts, the message of rustls adds nothing.
        Some(cause) if !matches!(found.kind(), ErrorKind::Alert(_)) => format!("{found}: {cause}"),
        _ => found.to_string(),
    }
}
