//! Says hello over HTTP/1.1 and HTTP/2 with hyper. Redirects clients that speak plain HTTP on the same
//! port to HTTPS, reloads its certificate on SIGHUP, and shuts down gracefully on Ctrl-C.
//!
//! ```sh
//! cargo run --example http --features listener -- chain.pem key.pem 127.0.0.1:4433
//! ```
//!
//! The first line on stdout is the address that the server listens on.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::iter;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::http::uri::Authority;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use pollback::Options;
use pollback::hello::Peeked;
use pollback::listener::{
    Connection, HandshakeData, Peer, PemFiles, SharedConfig, ShutdownHandle, SocketOptions,
    TlsListener, WhenFull, tls_or_plain,
};
use pollback::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use pollback::rustls::{self, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// The timeout for the handshake, and again for the first byte of the request.
const DEADLINE: Duration = Duration::from_secs(5);

/// The limit on open connections.
const CONNECTIONS: usize = 10_000;

/// The idle time after which a client is probed.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// hyper flushes after each message, so its writes can be batched. In a program that writes without
/// flushing, the peer would wait forever.
const OPTIONS: Options = Options::new().with_batched_writes(true);

/// How long open connections may take after Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

type BoxError = Box<dyn Error + Send + Sync>;

const USAGE: &str = "\
usage: http CHAIN KEY [ADDRESS]

  CHAIN    the certificate chain, a PEM file
  KEY      its private key, a PEM file
  ADDRESS  where to listen, by default 127.0.0.1:4433

SIGHUP reloads both files, Ctrl-C shuts down gracefully.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let (chain, key, address) = match arguments.as_slice() {
        [chain, key] => (chain, key, "127.0.0.1:4433"),
        [chain, key, address] => (chain, key, address.as_str()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(chain, key, address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(chain: &str, key: &str, address: &str) -> Result<(), BoxError> {
    let files = PemFiles::new(chain, key, config);
    let config = SharedConfig::new(files.load()?);
    let tcp = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let bound = tcp.local_addr()?;
    let shared = config.clone();
    let handshaker = tls_or_plain(move |client| accept(client, shared.clone()));
    let mut listener = TlsListener::new(tcp, handshaker)
        .with_deadline(DEADLINE)
        .with_first_byte_deadline(DEADLINE)
        .with_connection_limit(CONNECTIONS, WhenFull::Wait)
        .with_socket_options(SocketOptions::new().with_keepalive(KEEP_ALIVE))
        .on_failure(|failed| eprintln!("{failed}"));
    let shutdown = listener.shutdown_handle();
    // Before the address is printed: without a handler a signal would terminate the server.
    #[cfg(unix)]
    reload_on_hangup(files, config)?;
    println!("listening on {bound}");
    let drained = tokio::spawn(drain_on_interrupt(shutdown.clone()));
    // Run as a task on a worker: the main task would have to be woken for each connection.
    let accepting = tokio::spawn(async move {
        while let Some(connection) = listener.accept().await {
            tokio::spawn(serve(connection, bound.port(), shutdown.clone()));
        }
    });
    accepting.await?;
    match drained.await?? {
        0 => Ok(()),
        left => Err(format!("{left} connections were aborted").into()),
    }
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(unix)]
fn reload_on_hangup(files: PemFiles, config: SharedConfig) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            match files.reload(&config) {
                Ok(()) => println!("reloaded"),
                Err(error) => println!("still serving the old certificate: {error}"),
            }
        }
    });
    Ok(())
}

async fn drain_on_interrupt(shutdown: ShutdownHandle) -> std::io::Result<usize> {
    tokio::signal::ctrl_c().await?;
    Ok(shutdown.drain(GRACE).await)
}

/// The transport of a client.
trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Performs the handshake of TLS clients, and passes plain HTTP on.
async fn accept(
    client: Peeked<TcpStream>,
    config: SharedConfig,
) -> std::io::Result<(Box<dyn Transport>, Option<HandshakeData>)> {
    match client {
        Peeked::Tls(incoming) => {
            let stream = incoming.accept(config.load()).with_options(OPTIONS).await?;
            let handshake_data = HandshakeData::of(&stream);
            Ok((Box::new(stream), Some(handshake_data)))
        }
        Peeked::Plain(plain) => Ok((Box::new(plain), None)),
    }
}

/// A client, with what its handshake negotiated, if there was one.
type Client = Connection<Box<dyn Transport>, SocketAddr, Option<HandshakeData>>;

async fn serve(connection: Client, port: u16, shutdown: ShutdownHandle) {
    let peer = Arc::new(connection.peer().clone());
    let address = peer.address;
    let server = auto::Builder::new(TokioExecutor::new());
    let respond = service_fn(move |request| {
        let peer = Arc::clone(&peer);
        async move {
            Ok::<_, Infallible>(match &peer.handshake_data {
                Some(handshake_data) => hello(&request, &peer, handshake_data),
                None => redirect(&request, port),
            })
        }
    });
    let mut serving = pin!(server.serve_connection(TokioIo::new(connection), respond));
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = shutdown.stopped() => {
            // Completes requests in progress, and accepts no more.
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        eprintln!("{address}: {}", with_causes(&*error));
    }
}

/// The error with its causes, which hyper's errors do not print.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let errors = iter::successors(Some(error), |error| (*error).source());
    let texts: Vec<_> = errors.map(ToString::to_string).collect();
    texts.join(": ")
}

fn hello(
    request: &Request<Incoming>,
    peer: &Peer<SocketAddr, Option<HandshakeData>>,
    handshake_data: &HandshakeData,
) -> Response<Full<Bytes>> {
    let http = request.version();
    let tls = handshake_data.version.and_then(|version| version.as_str());
    let tls = tls.unwrap_or("TLS");
    let text = format!("hello {} over {http:?} and {tls}\n", peer.address);
    Response::new(Full::from(text))
}

/// A redirect to HTTPS, on the same port.
fn redirect(request: &Request<Incoming>, port: u16) -> Response<Full<Bytes>> {
    let named = match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => request
            .headers()
            .get(header::HOST)
            .and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let response = match named {
        Some(authority) => {
            let location = format!("https://{}:{port}{path}", authority.host());
            Response::builder()
                .status(StatusCode::PERMANENT_REDIRECT)
                .header(header::LOCATION, location)
        }
        None => Response::builder().status(StatusCode::BAD_REQUEST),
    };
    response
        .body(Full::default())
        .expect("a location built from the parts of a valid one")
}
