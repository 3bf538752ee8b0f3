//! A ClientHello: inspected, and then accepted, passed on or refused.

mod accept;
mod bytes;
#[cfg(feature = "early-data")]
mod early;
mod look;
mod misbehaving;
mod mutated;
mod pass;
mod plain;
mod refuse;

use std::sync::Arc;

use pollback::rustls::{AlertDescription, ClientConfig, ServerConfig};
use pollback::{Error, ErrorKind, TlsConnector, client, server};
use pollback_testkit::configs::localhost;
use pollback_testkit::configs::{Setup, Version};
use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{End, SHAPES, Shape, pipe};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A pipe with more room than any test fills.
const WIDE: usize = 1 << 20;

/// Runs a test for each version over each shape of transport.
fn for_each_shape(test: impl Fn(Version, &Shape)) {
    for version in Version::ALL {
        for shape in &SHAPES {
            eprintln!("{version:?} over {}", shape.name);
            test(version, shape);
        }
    }
}

/// The settings of the clients in the tests.
fn setup(version: Version) -> Setup {
    Setup::new(version).alpn(&["h2", "http/1.1"])
}

fn configs(setup: &Setup) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    (Arc::new(setup.client()), Arc::new(setup.server()))
}

async fn connect(config: Arc<ClientConfig>, io: End) -> io::Result<client::TlsStream<End>> {
    TlsConnector::from(config).connect(localhost(), io).await
}

/// The first bytes of a client.
fn first_bytes(version: Version) -> Vec<u8> {
    let (end, _peer) = pipe(WIDE);
    let io = end.control();
    let mut executor = Executor::new();
    executor.spawn("client", connect(configs(&setup(version)).0, end));
    assert!(!executor.run_until_stalled());
    io.written()
}

/// The same handshake message, in records of at most this many bytes.
fn in_records_of(size: usize, record: &[u8]) -> Vec<u8> {
    record[5..]
        .chunks(size)
        .flat_map(|part| {
            let mut record = record[..3].to_vec();
            record.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
            record.extend(part);
            record
        })
        .collect()
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, words: &[u8]) {
    stream.write_all(words).await.unwrap();
    stream.flush().await.unwrap();
}

async fn hear<S: AsyncRead + Unpin>(stream: &mut S, words: &[u8]) {
    let mut heard = vec![0; words.len()];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, words);
}

/// Connects both sides, each in a task of its own, and lets them communicate.
fn meet<IO>(
    client: impl Future<Output = io::Result<client::TlsStream<End>>>,
    server: impl Future<Output = io::Result<server::TlsStream<IO>>>,
) where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    executor::join(
        async {
            let mut client = client.await.expect("the client connects");
            say(&mut client, b"is it you?").await;
            hear(&mut client, b"it is.").await;
        },
        async {
            let mut server = server.await.expect("the server accepts");
            hear(&mut server, b"is it you?").await;
            say(&mut server, b"it is.").await;
        },
    );
}

fn error_kind(error: &io::Error) -> Option<ErrorKind> {
    Error::find(error).map(|error| error.kind())
}

/// The record of a fatal alert in plaintext.
fn alert(description: AlertDescription) -> [u8; 7] {
    [21, 3, 3, 0, 2, 2, u8::from(description)]
}
