//! TLS over three closures that each make one attempt at a non-blocking socket (Unix).
//!
//! ```sh
//! cargo run --features fd --example callbacks
//! ```
//!
//! The closures represent whatever your program uses instead of a Tokio transport: a socket owned
//! by a C library, a serial line, a tunnel. They never block and do not use Tokio: they return
//! `WouldBlock`, and the readiness of the descriptor tells when to try again.

use std::error::Error;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Ipv4Addr, Shutdown};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pollback::callback::{CallbackIo, Callbacks, Descriptor};
use pollback::rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use pollback::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use pollback::{TlsAcceptor, TlsConnector};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type BoxError = Box<dyn Error + Send + Sync>;

/// How often each closure was called, and how often they returned `WouldBlock`.
#[derive(Debug, Default)]
struct Calls {
    read: AtomicU64,
    write: AtomicU64,
    write_vectored: AtomicU64,
    would_block: AtomicU64,
}

impl Calls {
    fn count(&self, kind: &AtomicU64, answer: io::Result<usize>) -> io::Result<usize> {
        kind.fetch_add(1, Ordering::Relaxed);
        if matches!(&answer, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.would_block.fetch_add(1, Ordering::Relaxed);
        }
        answer
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("callbacks: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BoxError> {
    let (connector, acceptor) = configs()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(echo(listener, acceptor));

    let calls = Arc::new(Calls::default());
    // Tokio only opens the connection; from here on it is a plain non-blocking socket.
    let socket = TcpStream::connect(address).await?.into_std()?;
    let transport = transport(socket, Arc::clone(&calls))?;
    let name = ServerName::try_from("localhost")?;
    let stream = connector.connect(name, transport).await?;

    let sent = "callbacks carry TLS\n".repeat(50_000);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = async {
        writer.write_all(sent.as_bytes()).await?;
        writer.shutdown().await
    };
    let mut echoed = String::new();
    let ((), length) = tokio::try_join!(writing, reader.read_to_string(&mut echoed))?;
    server.await??;
    if echoed != sent {
        return Err("the echo differs".into());
    }

    println!("{length} bytes there and back");
    println!(
        "  read            {:>6} calls",
        calls.read.load(Ordering::Relaxed)
    );
    println!(
        "  write           {:>6} calls",
        calls.write.load(Ordering::Relaxed)
    );
    println!(
        "  write vectored  {:>6} calls",
        calls.write_vectored.load(Ordering::Relaxed)
    );
    println!(
        "  would block     {:>6} times",
        calls.would_block.load(Ordering::Relaxed)
    );
    Ok(())
}

/// The closures over `socket`, as a Tokio transport.
fn transport(
    socket: std::net::TcpStream,
    calls: Arc<Calls>,
) -> io::Result<impl AsyncRead + AsyncWrite + Unpin> {
    let socket = Arc::new(socket);
    let (reading, writing) = (Arc::clone(&socket), Arc::clone(&socket));
    let (gathering, closing) = (Arc::clone(&socket), Arc::clone(&socket));
    let (reads, writes, gathers) = (Arc::clone(&calls), Arc::clone(&calls), calls);
    let callbacks = Callbacks::new(
        move |buf: &mut [u8]| reads.count(&reads.read, (&*reading).read(buf)),
        move |buf: &[u8]| writes.count(&writes.write, (&*writing).write(buf)),
    )
    .with_write_vectored(move |slices: &[IoSlice<'_>]| {
        gathers.count(
            &gathers.write_vectored,
            (&*gathering).write_vectored(slices),
        )
    })
    .with_shutdown(move || closing.shutdown(Shutdown::Write));
    Ok(CallbackIo::new(callbacks, Descriptor::new(socket)?))
}

/// Echoes one connection, over a `TcpStream` of Tokio.
async fn echo(listener: TcpListener, acceptor: TlsAcceptor) -> io::Result<()> {
    let (tcp, _) = listener.accept().await?;
    let (mut reader, mut writer) = tokio::io::split(acceptor.accept(tcp).await?);
    tokio::io::copy(&mut reader, &mut writer).await?;
    writer.shutdown().await
}

fn configs() -> Result<(TlsConnector, TlsAcceptor), BoxError> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone())?;
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())?;
    Ok((Arc::new(client).into(), Arc::new(server).into()))
}
