//! The server under load: the same one on three accept loops.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use pollback::listener::{PemFiles, SharedConfig, TlsListener};
use pollback::rustls::ServerConfig;
use pollback_testkit::configs::provider;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::BoxError;

/// How TLS is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// By the `TlsListener` of pollback.
    Listener,
    /// By a loop around the `TlsAcceptor` of pollback.
    Acceptor,
    /// By the same loop around the `TlsAcceptor` of tokio-rustls.
    TokioRustls,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::TokioRustls, Self::Acceptor, Self::Listener];

    /// Its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Listener => "pollback, `TlsListener`",
            Self::Acceptor => "pollback, `TlsAcceptor`",
            Self::TokioRustls => "tokio-rustls",
        }
    }
}

/// The name of the certificate's file in the folder.
pub(crate) const CHAIN: &str = "chain.pem";

/// The name of the key's file in the folder.
pub(crate) const KEY: &str = "key.pem";

/// Serves until the input ends. Prints its address on stdout, and responds to each line of the
/// input once the certificate is reloaded.
pub(crate) fn run(kind: Kind, folder: &Path, deadline: Duration) -> Result<(), BoxError> {
    let files = PemFiles::new(folder.join(CHAIN), folder.join(KEY), |chain, key| {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok::<_, pollback::rustls::Error>(config)
    });
    let config = SharedConfig::new(files.load()?);
    let runtime = Runtime::new()?;
    let tcp = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", tcp.local_addr()?);
    match kind {
        Kind::Listener => {
            runtime.spawn(listen(tcp, config.clone(), deadline));
        }
        Kind::Acceptor => {
            let acceptor = pollback::TlsAcceptor::from(config.load());
            runtime.spawn(accept(tcp, deadline, move |tcp| {
                let acceptor = acceptor.clone();
                async move { acceptor.accept(tcp).await }
            }));
        }
        Kind::TokioRustls => {
            let acceptor = tokio_rustls::TlsAcceptor::from(config.load());
            runtime.spawn(accept(tcp, deadline, move |tcp| {
                let acceptor = acceptor.clone();
                async move { acceptor.accept(tcp).await }
            }));
        }
    }
    for line in io::stdin().lines() {
        line?;
        files.reload(&config)?;
        println!("reloaded");
    }
    Ok(())
}

async fn listen(tcp: TcpListener, config: SharedConfig, deadline: Duration) {
    let mut listener = TlsListener::new(tcp, config).with_deadline(deadline);
    while let Some(connection) = listener.accept().await {
        tokio::spawn(answer(connection));
    }
}

/// The accept loop of a program without a listener that sets a timeout.
async fn accept<F, S>(
    tcp: TcpListener,
    deadline: Duration,
    handshake: impl Fn(TcpStream) -> F,
) -> io::Result<()>
where
    F: Future<Output = io::Result<S>> + Send + 'static,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    loop {
        let (tcp, _) = tcp.accept().await?;
        let handshake = handshake(tcp);
        tokio::spawn(async move {
            if let Ok(Ok(stream)) = timeout(deadline, handshake).await {
                answer(stream).await;
            }
        });
    }
}

/// Responds to every request with the same few bytes, over HTTP/1.1 or HTTP/2.
async fn answer<S>(stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|_| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello\n"))))
    });
    // The load generator counts failures; here they would be counted twice.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
