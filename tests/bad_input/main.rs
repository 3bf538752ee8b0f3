//! Bad input and bad configurations: each is an error that names its cause, and the peer receives
//! an alert.

mod alerts;
mod alpn;
mod certificates;
mod messages;
mod negotiation;
mod not_tls;
mod truncated;

use pollback::rustls::pki_types::ServerName;
use pollback::rustls::server::Acceptor;
use pollback::rustls::{self, ClientConfig, ServerConfig};
use pollback::{Error, ErrorKind, LazyConfigAcceptor, TlsAcceptor, TlsConnector, hello, server};
use pollback_testkit::configs::localhost;
use pollback_testkit::sockets::tcp;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The ways in which a server can accept; each has to report the same.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Through `TlsAcceptor`.
    Direct,
    /// Through `LazyConfigAcceptor` and `StartHandshake`.
    Lazy,
    /// Through `hello::peek`.
    Peek,
}

impl Way {
    const ALL: [Self; 3] = [Self::Direct, Self::Lazy, Self::Peek];

    async fn accept<IO>(
        self,
        config: Arc<ServerConfig>,
        transport: IO,
    ) -> io::Result<server::TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match self {
            Self::Direct => TlsAcceptor::from(config).accept(transport).await,
            Self::Lazy => {
                let lazy = LazyConfigAcceptor::new(Acceptor::default(), transport);
                lazy.await?.into_stream(config).await
            }
            Self::Peek => hello::peek(transport).await?.accept(config).await,
        }
    }
}

/// Returns the error of a side: from the handshake or, since in TLS 1.3 a client has finished
/// before the server has verified it, from its first read.
async fn failure<S>(handshake: impl Future<Output = io::Result<S>>) -> io::Error
where
    S: AsyncRead + Unpin,
{
    match handshake.await {
        Ok(mut stream) => stream.read(&mut [0]).await.expect_err("one side refuses"),
        Err(error) => error,
    }
}

/// Connects two configurations that are incompatible, and returns the errors of both sides.
async fn clash(client: ClientConfig, server: ServerConfig, way: Way) -> (io::Error, io::Error) {
    clash_by_name(client, server, way, localhost()).await
}

async fn clash_by_name(
    client: ClientConfig,
    server: ServerConfig,
    way: Way,
    name: ServerName<'static>,
) -> (io::Error, io::Error) {
    let connector = TlsConnector::from(Arc::new(client));
    let (near, far) = tcp().await;
    tokio::join!(
        failure(connector.connect(name, near)),
        failure(way.accept(Arc::new(server), far)),
    )
}

/// Sends `bytes` in place of a client, and returns the server's error and its response.
async fn visit(config: ServerConfig, way: Way, bytes: &[u8]) -> (io::Error, Vec<u8>) {
    let (mut near, far) = tcp().await;
    let mut answer = Vec::new();
    let raw = async {
        near.write_all(bytes).await.unwrap();
        near.read_to_end(&mut answer).await.unwrap();
    };
    let (error, ()) = tokio::join!(failure(way.accept(Arc::new(config), far)), raw);
    (error, answer)
}

/// Sends `bytes` in place of a server, and returns the client's error and what it has sent.
async fn answer(config: ClientConfig, bytes: &[u8]) -> (io::Error, Vec<u8>) {
    let (near, mut far) = tcp().await;
    let connector = TlsConnector::from(Arc::new(config));
    let mut said = vec![0; 5];
    let raw = async {
        // Reads the hello first, so that the client has sent it when it reads the response.
        far.read_exact(&mut said).await.unwrap();
        let length = usize::from(u16::from_be_bytes([said[3], said[4]]));
        said.resize(5 + length, 0);
        far.read_exact(&mut said[5..]).await.unwrap();
        far.write_all(bytes).await.unwrap();
        far.read_to_end(&mut said).await.unwrap();
    };
    let (error, ()) = tokio::join!(failure(connector.connect(localhost(), near)), raw);
    (error, said)
}

/// The record of a fatal alert in plaintext.
fn alert(description: rustls::AlertDescription) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, u8::from(description)]
}

/// Checks that an error names this cause in every way that a program can query.
#[track_caller]
fn names(error: &io::Error, kind: ErrorKind) {
    let found = Error::find(error).unwrap_or_else(|| panic!("{kind:?} wanted: {error:?}"));
    assert_eq!(found.kind(), kind, "{error:?}");
    let expected = match kind {
        ErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
        ErrorKind::InvalidAlpn => io::ErrorKind::InvalidInput,
        _ => io::ErrorKind::InvalidData,
    };
    assert_eq!(error.kind(), expected, "{error:?}");
    if expected == io::ErrorKind::InvalidData {
        // As in tokio-rustls, the error of rustls itself is inside.
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        assert!(inner.is_some(), "{error:?}");
        let source = found
            .source()
            .and_then(|source| source.downcast_ref::<rustls::Error>());
        assert_eq!(source, inner);
    }
    assert!(!found.to_string().is_empty());
}

/// An error of another library, which has ours as its source.
#[derive(Debug)]
struct Wrapped(io::Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("request failed")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test]
async fn the_cause_is_found_beneath_the_errors_of_other_libraries() {
    use pollback_testkit::configs::{Setup, Version};

    let setup = Setup::new(Version::Tls13);
    let (error, _) = answer(setup.client(), b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let wrapped = Wrapped(io::Error::other(Wrapped(error)));
    assert_eq!(Error::find(&wrapped).unwrap().kind(), ErrorKind::NotTls);
    let unrelated = Wrapped(io::ErrorKind::ConnectionRefused.into());
    assert!(Error::find(&unrelated).is_none());
}
