//! Clients and backends. Each of their steps is bounded.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pollback::rustls::ServerConfig;
use pollback::rustls::pki_types::ServerName;
use pollback::{TlsAcceptor, TlsConnector, client, server};
use pollback_testkit::configs::{Setup, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bounded::bounded;
use crate::process::{LIMIT, Proxy};

pub(crate) type Client = client::TlsStream<TcpStream>;

/// A backend that is controlled by the test.
pub(crate) struct Backend {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Backend {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        Self { listener, address }
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        let accepted = bounded(LIMIT, "accepting", self.listener.accept()).await;
        accepted.expect("a connection").0
    }

    pub(crate) async fn accept_tls(&self, config: ServerConfig) -> server::TlsStream<TcpStream> {
        let accept = TlsAcceptor::from(Arc::new(config)).accept(self.accept().await);
        let stream = bounded(LIMIT, "a handshake", accept).await;
        stream.expect("a TLS stream")
    }
}

pub(crate) fn setup() -> Setup {
    Setup::new(Version::Tls13)
}

pub(crate) async fn connect_tcp(proxy: &Proxy) -> TcpStream {
    let connect = TcpStream::connect(proxy.address);
    let tcp = bounded(LIMIT, "connecting", connect).await;
    tcp.expect("a connection")
}

/// Connects through the proxy to the server `name`.
pub(crate) async fn try_connect(proxy: &Proxy, name: &str, setup: &Setup) -> io::Result<Client> {
    let name = ServerName::try_from(name.to_owned()).expect("a valid name");
    let connector = TlsConnector::from(Arc::new(setup.client()));
    let connect = connector.connect(name, connect_tcp(proxy).await);
    bounded(LIMIT, "a handshake", connect).await
}

pub(crate) async fn connect(proxy: &Proxy, name: &str) -> Client {
    let connected = try_connect(proxy, name, &setup()).await;
    connected.expect("the proxy serves the client")
}

pub(crate) async fn say<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) {
    let said = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    bounded(LIMIT, "writing", said)
        .await
        .expect("bytes are accepted");
}

pub(crate) async fn hear<S: AsyncRead + Unpin>(stream: &mut S, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    let read = bounded(LIMIT, "reading", stream.read_exact(&mut heard)).await;
    read.expect("as many bytes");
    assert!(heard == bytes, "other bytes");
}

/// Exchanges a question and an answer.
pub(crate) async fn exchange<C, S>(client: &mut C, server: &mut S)
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Unpin,
{
    say(client, b"a question").await;
    hear(server, b"a question").await;
    say(server, b"an answer").await;
    hear(client, b"an answer").await;
}

/// Ends this direction.
pub(crate) async fn shut<S: AsyncWrite + Unpin>(stream: &mut S) {
    let shut = bounded(LIMIT, "shutting down", stream.shutdown()).await;
    shut.expect("a shutdown");
}

/// Reads to the end, and returns the result and all bytes before it.
pub(crate) async fn rest<S: AsyncRead + Unpin>(stream: &mut S) -> (io::Result<usize>, Vec<u8>) {
    let mut bytes = Vec::new();
    let read = bounded(LIMIT, "reading to the end", stream.read_to_end(&mut bytes)).await;
    (read, bytes)
}

/// Expects a clean end of the other side, without another byte.
pub(crate) async fn ended<S: AsyncRead + Unpin>(stream: &mut S) {
    let (read, bytes) = rest(stream).await;
    assert_eq!(read.expect("a clean end"), 0, "{bytes:?}");
}

/// Expects the connection to be aborted, without another byte.
pub(crate) async fn cut<S: AsyncRead + Unpin>(stream: &mut S, kind: io::ErrorKind) {
    let (read, bytes) = rest(stream).await;
    assert_eq!(read.expect_err("an abort").kind(), kind);
    assert!(bytes.is_empty(), "{bytes:?}");
}
