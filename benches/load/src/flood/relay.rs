//! A minimal relay, which terminates TLS in several ways.

use std::future::Future;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use clap::ValueEnum;
use pollback::listener::{PemFiles, SharedConfig, TlsListener};
use pollback::rustls::{self, ServerConfig};
use pollback_testkit::configs::provider;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use crate::BoxError;
use crate::serve::{CHAIN, KEY};
use crate::server::Folder;

/// How TLS is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Without TLS.
    Plain,
    /// By a loop around the `TlsAcceptor` of tokio-rustls.
    TokioRustls,
    /// By the same loop around the `TlsAcceptor` of pollback.
    Acceptor,
    /// By the `TlsListener` of pollback.
    Listener,
    /// By the same, with dedicated threads for handshakes.
    Threads,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Plain,
        Self::TokioRustls,
        Self::Acceptor,
        Self::Listener,
        Self::Threads,
    ];

    /// Its name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "no TLS",
            Self::TokioRustls => "tokio-rustls",
            Self::Acceptor => "pollback, `TlsAcceptor`",
            Self::Listener => "pollback, `TlsListener`",
            Self::Threads => "pollback, `with_handshake_threads`",
        }
    }
}

/// A relay in a process of its own, which is killed when this is dropped.
pub(super) struct Relay {
    process: Child,
    /// The relay runs for as long as this is open.
    _input: Option<ChildStdin>,
    address: SocketAddr,
}

impl Relay {
    pub(super) fn start(
        kind: Kind,
        folder: &Folder,
        to: SocketAddr,
        workers: usize,
    ) -> Result<Self, BoxError> {
        let kind = kind.to_possible_value().ok_or("a kind without a name")?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("relay")
            .arg(kind.get_name())
            .arg(folder.path())
            .arg(to.to_string())
            .arg(workers.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take();
        let mut line = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self {
            process,
            _input: input,
            address: line.trim_end().parse()?,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // A process that has ended already cannot be killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Relays until the input ends. Prints its address on stdout.
pub(crate) fn run(
    kind: Kind,
    folder: &Path,
    to: SocketAddr,
    workers: usize,
) -> Result<(), BoxError> {
    let files = PemFiles::new(folder.join(CHAIN), folder.join(KEY), |chain, key| {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok::<_, rustls::Error>(config)
    });
    let config = Arc::new(files.load()?);
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()?;
    let tcp = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", tcp.local_addr()?);
    match kind {
        Kind::Plain => {
            runtime.spawn(accept(tcp, to, |tcp| async { Ok(tcp) }));
        }
        Kind::TokioRustls => {
            let acceptor = tokio_rustls::TlsAcceptor::from(config);
            runtime.spawn(accept(tcp, to, move |tcp| acceptor.accept(tcp)));
        }
        Kind::Acceptor => {
            let acceptor = pollback::TlsAcceptor::from(config);
            runtime.spawn(accept(tcp, to, move |tcp| acceptor.accept(tcp)));
        }
        Kind::Listener | Kind::Threads => {
            let mut listener = TlsListener::new(tcp, SharedConfig::new(config));
            if kind == Kind::Threads {
                listener = listener.with_handshake_threads(workers)?;
            }
            runtime.spawn(async move {
                while let Some(connection) = listener.accept().await {
                    tokio::spawn(relay(connection, to));
                }
            });
        }
    }
    for line in io::stdin().lines() {
        line?;
    }
    Ok(())
}

async fn accept<F, S>(
    tcp: TcpListener,
    to: SocketAddr,
    handshake: impl Fn(TcpStream) -> F,
) -> io::Result<()>
where
    F: Future<Output = io::Result<S>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    loop {
        let (tcp, _) = tcp.accept().await?;
        tcp.set_nodelay(true)?;
        let handshake = handshake(tcp);
        tokio::spawn(async move { relay(handshake.await?, to).await });
    }
}

async fn relay<S>(mut client: S, to: SocketAddr) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut backend = TcpStream::connect(to).await?;
    backend.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut backend).await?;
    Ok(())
}
