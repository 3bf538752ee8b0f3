//! Fetches a URL over HTTPS: the body goes to stdout, what was negotiated to stderr.
//!
//! ```sh
//! cargo run --example client -- https://www.rust-lang.org/
//! cargo run --example client -- --tls13 --root root.pem https://localhost:4433/
//! cargo run --example client -- --cert chain.pem --key key.pem https://example.com/
//! ```
//!
//! With `--repeat` it fetches the URL several times, over a new connection each time: all but the
//! first resume the session, if the server allows it.
//!
//! With `--early-data` (feature `early-data`) their requests are sent with the ClientHello (0-RTT), if
//! the server allows that. With `--next` (feature `next`) all of this is done by a pre-release of
//! rustls 0.24.

mod http;
#[cfg(feature = "next")]
mod next;
#[path = "../parts/pem.rs"]
mod pem;
mod url;

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Debug;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pollback::rustls::{
    self, ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion, version,
};
use pollback::stream::{Handshake, TlsConnection};
use pollback::{ErrorKind, TlsConnector};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::url::Url;

type BoxError = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: client [--root FILE] [--cert FILE --key FILE] [--tls12] [--tls13]
              [--alpn NAME]... [--repeat COUNT] [--early-data] [--next] URL";

const HELP: &str = "\
Fetches a URL over HTTPS. The body goes to stdout, what was negotiated to stderr.

  --root FILE      trusts the certificates in this PEM file instead of those of the platform
  --cert FILE      the certificate chain for servers that request one, with
  --key FILE       its private key; both are PEM files
  --tls12, --tls13 offers this version only
  --alpn NAME      offers this application protocol instead of http/1.1; can be repeated
  --repeat COUNT   fetches the URL this many times, over new connections that resume the session
  --early-data     sends requests as early data (0-RTT) where the server allows it
  --next           uses a pre-release of rustls 0.24 (feature `next`)
  --help           prints this

It exits with 0 once the URL was fetched, with 1 if that failed, and with 2 for wrong arguments.
";

/// The timeout for connecting and the handshake.
const DEADLINE: Duration = Duration::from_secs(10);

struct Options {
    url: String,
    root: Option<PathBuf>,
    /// The chain and the key of a certificate for servers that ask for one.
    identity: Option<(PathBuf, PathBuf)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    alpn: Vec<Vec<u8>>,
    repeat: u32,
    early_data: bool,
    /// Whether to use rustls 0.24.
    next: bool,
}

impl Options {
    fn protocols(&self) -> Vec<Vec<u8>> {
        match &self.alpn[..] {
            [] => vec![b"http/1.1".to_vec()],
            chosen => chosen.to_vec(),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    if env::args_os().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}\n\n{HELP}");
        return ExitCode::SUCCESS;
    }
    let Some(options) = options(env::args_os().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Err(error) = get(&options).await else {
        return ExitCode::SUCCESS;
    };
    eprintln!("client: {}: {}", options.url, explanation(&*error));
    ExitCode::FAILURE
}

fn options(mut arguments: impl Iterator<Item = OsString>) -> Option<Options> {
    let (mut certificate, mut key) = (None, None);
    let mut options = Options {
        url: String::new(),
        root: None,
        identity: None,
        versions: Vec::new(),
        alpn: Vec::new(),
        repeat: 1,
        early_data: false,
        next: false,
    };
    while options.url.is_empty() {
        let argument = arguments.next()?;
        match argument.to_str()? {
            "--root" => options.root = Some(arguments.next()?.into()),
            "--cert" => certificate = Some(arguments.next()?.into()),
            "--key" => key = Some(arguments.next()?.into()),
            "--tls12" => options.versions.push(&version::TLS12),
            "--tls13" => options.versions.push(&version::TLS13),
            "--alpn" => options
                .alpn
                .push(arguments.next()?.into_string().ok()?.into()),
            "--repeat" => options.repeat = arguments.next()?.to_str()?.parse().ok()?,
            "--early-data" => options.early_data = true,
            "--next" => options.next = true,
            url if url.starts_with('-') => return None,
            url => options.url = url.to_owned(),
        }
    }
    options.identity = match (certificate, key) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => return None,
    };
    arguments.next().is_none().then_some(options)
}

async fn get(options: &Options) -> Result<(), BoxError> {
    let url: Url = options.url.parse()?;
    // Shared by all connections, since it stores the sessions.
    if options.next {
        #[cfg(feature = "next")]
        {
            let connector = next::connector(options)?;
            let connect = |tcp| connector.connect(url.name(), tcp);
            return repeat(options, &url, connect, next::negotiated).await;
        }
        #[cfg(not(feature = "next"))]
        return Err("--next needs the feature `next`".into());
    }
    let connector = TlsConnector::from(Arc::new(config(options)?));
    #[cfg(feature = "early-data")]
    let connector = connector.early_data(options.early_data);
    repeat(
        options,
        &url,
        |tcp| connector.connect(url.name(), tcp),
        negotiated,
    )
    .await
}

/// Gets the URL over connections that `connect` makes.
async fn repeat<C: TlsConnection>(
    options: &Options,
    url: &Url,
    connect: impl Fn(TcpStream) -> Handshake<TcpStream, C>,
    negotiated: fn(&C) -> String,
) -> Result<(), BoxError> {
    for _ in 0..options.repeat {
        let connecting = async {
            let tcp = TcpStream::connect((url.host(), url.port())).await?;
            tcp.set_nodelay(true)?;
            connect(tcp).await
        };
        let mut stream = match timeout(DEADLINE, connecting).await {
            Ok(connected) => connected?,
            Err(_) => return Err("no connection within 10 seconds".into()),
        };
        eprintln!("{}", negotiated(stream.get_ref().1));
        http::get(&mut stream, url, &mut tokio::io::stdout()).await?;
        // The response is complete, even if the server has not closed properly.
        let _ = stream.shutdown().await;
    }
    Ok(())
}

fn config(options: &Options) -> Result<ClientConfig, BoxError> {
    let roots = match &options.root {
        Some(path) => pem::roots(path)?,
        None => platform_roots()?,
    };
    let versions = match &options.versions[..] {
        [] => rustls::DEFAULT_VERSIONS,
        chosen => chosen,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_root_certificates(roots);
    let mut config = match &options.identity {
        Some((chain, key)) => {
            let (chain, key) = pem::identity(chain, key)?;
            builder.with_client_auth_cert(chain, key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_early_data = options.early_data;
    config.alpn_protocols = options.protocols();
    Ok(config)
}

fn platform_roots() -> Result<RootCertStore, BoxError> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Platforms have a few old certificates that rustls rejects; the others suffice.
    roots.add_parsable_certificates(loaded.certs);
    match loaded.errors.into_iter().next() {
        _ if !roots.is_empty() => Ok(roots),
        Some(error) => Err(format!("no platform roots: {error}").into()),
        None => Err("no platform roots; specify some with --root".into()),
    }
}

fn negotiated(connection: &ClientConnection) -> String {
    let suite = connection.negotiated_cipher_suite();
    let group = connection.negotiated_key_exchange_group();
    let alpn = connection.alpn_protocol().unwrap_or(b"none");
    described([
        name(connection.protocol_version()),
        name(suite.map(|suite| suite.suite())),
        name(group.map(|group| group.name())),
        alpn.escape_ascii().to_string(),
        name(connection.handshake_kind()),
    ])
}

/// In one line.
fn described([version, suite, group, alpn, handshake]: [String; 5]) -> String {
    format!("{version}, {suite}, {group}, ALPN {alpn}, {handshake} handshake")
}

fn name(value: Option<impl Debug>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"))
}

/// What an error means for the user.
fn explanation(error: &(dyn Error + 'static)) -> String {
    let Some(found) = pollback::Error::find(error) else {
        return error.to_string();
    };
    let hint = match found.kind() {
        ErrorKind::UnknownIssuer => " (--root FILE adds one to trust)",
        ErrorKind::InvalidAlpn => " (--alpn NAME)",
        _ => "",
    };
    match found.source() {
        // For alerts, the message of rustls adds nothing.
        Some(cause) if !matches!(found.kind(), ErrorKind::Alert(_)) => {
            format!("{found}{hint}: {cause}")
        }
        _ => format!("{found}{hint}"),
    }
}
