//! Moves a file through TLS on loopback TCP, to the server and back, and tells what that took.
//!
//! ```sh
//! cargo run --release --example demo            # 256 MiB made on the fly
//! cargo run --release --example demo -- FILE    # a file of yours
//! ```
//!
//! The client sends the file and ends its direction (`close_notify`); the server, which has then
//! read to the end, sends the same file the other way. Both write with `write_vectored`, and let
//! three records at a time go to the transport in one vectored attempt. Both transports count the
//! attempts that TLS makes on them.

mod counting;
mod payload;
mod report;
mod transfer;

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io};

use indicatif::{ProgressBar, ProgressStyle};
use pollback::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use pollback::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use pollback::{Options, TlsAcceptor, TlsConnector};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::counting::Counting;
use crate::payload::Payload;
use crate::report::{Negotiated, Report, Side};
use crate::transfer::{receive, send};

type BoxError = Box<dyn Error + Send + Sync>;

const ALPN: &[u8] = b"pollback-demo";
const MADE: u64 = 256 << 20;

/// For a transfer that ends with a shutdown: nothing has to leave before there is much of it.
const OPTIONS: Options = Options::new().with_batched_writes(true);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let mut arguments = env::args_os().skip(1);
    let payload = match (arguments.next(), arguments.next()) {
        (None, _) => Payload::made(MADE),
        (Some(path), None) => Payload::file(path.into()).await?,
        (Some(_), Some(_)) => return Err("give one file, or none".into()),
    };
    let expected = payload.digest().await?;

    // Nothing is drawn where stderr is not a terminal.
    let bar = ProgressBar::new(payload.len() * 2).with_style(ProgressStyle::with_template(
        "{wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec}",
    )?);
    let (connector, acceptor) = configs()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;

    // Each side is a task, so that both can encrypt and decrypt at the same time.
    let server = tokio::spawn(serve(listener, acceptor, payload.clone(), bar.clone()));
    let client = tokio::spawn(connect(address, connector, payload, bar.clone()));
    let (client, server) = tokio::try_join!(outcome(client), outcome(server))?;
    bar.finish_and_clear();

    let report = Report { client, server };
    io::stdout().write_all(report.to_string().as_bytes())?;
    report.server.check(&expected)?;
    report.client.check(&expected)
}

/// Sends the payload to the server, then takes in what it sends back.
async fn connect(
    address: SocketAddr,
    connector: TlsConnector,
    payload: Payload,
    bar: ProgressBar,
) -> Result<Side, BoxError> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from("localhost")?;
    let mut stream = connector.connect(name, Counting::new(tcp)).await?;
    send(&mut stream, payload.open().await?).await?;
    let received = receive(&mut stream, &bar).await?;
    let (transport, connection) = stream.get_ref();
    Ok(Side {
        direction: "server to client",
        received,
        counts: transport.counts(),
        negotiated: Negotiated::of(connection),
    })
}

/// Accepts one connection, takes the payload in, then sends its own copy of it back.
async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    payload: Payload,
    bar: ProgressBar,
) -> Result<Side, BoxError> {
    let (tcp, _) = listener.accept().await?;
    tcp.set_nodelay(true)?;
    let mut stream = acceptor.accept(Counting::new(tcp)).await?;
    let received = receive(&mut stream, &bar).await?;
    send(&mut stream, payload.open().await?).await?;
    let (transport, connection) = stream.get_ref();
    Ok(Side {
        direction: "client to server",
        received,
        counts: transport.counts(),
        negotiated: Negotiated::of(connection),
    })
}

/// What a side's task ended with.
async fn outcome(task: JoinHandle<Result<Side, BoxError>>) -> Result<Side, BoxError> {
    task.await?
}

/// A fresh self-signed certificate for the server, and a client that trusts nothing else.
fn configs() -> Result<(TlsConnector, TlsAcceptor), BoxError> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());

    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let mut client = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![ALPN.to_vec()];

    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())?;
    server.alpn_protocols = vec![ALPN.to_vec()];
    let connector = TlsConnector::from(Arc::new(client)).with_options(OPTIONS);
    let acceptor = TlsAcceptor::from(Arc::new(server)).with_options(OPTIONS);
    Ok((connector, acceptor))
}
