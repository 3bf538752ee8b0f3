//! The listener. Tests of time use tokio's paused clock, so deadlines elapse at once and exactly.
#![cfg(feature = "listener")]

mod accept;
#[cfg(feature = "axum-08")]
mod axum;
mod by_name;
mod crowd;
mod deadline;
#[cfg(feature = "early-data")]
mod early_data;
mod errors;
mod files;
mod first_byte;
#[path = "../guarantees/heap.rs"]
mod heap;
mod limit;
mod pace;
mod pem;
mod probes;
#[cfg(feature = "proxy-protocol")]
mod proxy;
mod refusals;
mod reload;
mod route;
mod shutdown;
mod sockets;
mod tickets;
#[cfg(feature = "tonic")]
mod tonic;
mod watch;

use std::io;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};
use pollback::listener::{
    AcceptError, Connection, HandshakeData, SharedConfig, TlsListener, Transports,
};
use pollback::rustls::{ClientConnection, ServerConfig};
use pollback::{TlsConnector, client, server};
use pollback_testkit::configs::localhost;
use pollback_testkit::configs::{Setup, Version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The transports of the tests: pipes in memory, each with a number.
type Pipes = Transports<BoxStream<'static, io::Result<(DuplexStream, usize)>>>;

type Listener = TlsListener<Pipes, SharedConfig>;

type Served = Connection<server::TlsStream<DuplexStream>, usize, HandshakeData>;

/// Lets clients connect, one after another.
#[derive(Clone)]
struct Door {
    setup: Setup,
    sender: mpsc::UnboundedSender<io::Result<(DuplexStream, usize)>>,
}

impl Door {
    /// A client connects, and sends nothing yet.
    fn knock(&self, number: usize) -> DuplexStream {
        let (near, far) = duplex(64 * 1024);
        self.sender
            .send(Ok((far, number)))
            .expect("the listener is there");
        near
    }

    /// Accepting fails.
    fn fail(&self, kind: io::ErrorKind) {
        self.sender
            .send(Err(kind.into()))
            .expect("the listener is there");
    }

    /// A client connects and performs a handshake.
    fn connect(&self, number: usize) -> JoinHandle<io::Result<client::TlsStream<DuplexStream>>> {
        tokio::spawn(connect(&self.setup, self.knock(number)))
    }
}

fn connect<IO>(
    setup: &Setup,
    io: IO,
) -> impl Future<Output = io::Result<client::TlsStream<IO>>> + use<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    TlsConnector::from(Arc::new(setup.client())).connect(localhost(), io)
}

/// The first bytes of a client.
fn hello(setup: &Setup) -> Vec<u8> {
    let mut client = ClientConnection::new(Arc::new(setup.client()), localhost()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

fn setup() -> Setup {
    Setup::new(Version::Tls13).alpn(&["h2", "http/1.1"])
}

fn shared(config: ServerConfig) -> SharedConfig {
    SharedConfig::new(config)
}

fn pipes() -> (
    mpsc::UnboundedSender<io::Result<(DuplexStream, usize)>>,
    Pipes,
) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let stream = stream::poll_fn(move |cx| receiver.poll_recv(cx)).boxed();
    (sender, Transports(stream))
}

/// A listener, and the door for its clients.
fn open(setup: Setup) -> (Door, Listener) {
    let (sender, pipes) = pipes();
    let listener = TlsListener::new(pipes, shared(setup.server()));
    (Door { setup, sender }, listener)
}

/// The reports of a listener.
type Reports<P> = mpsc::UnboundedReceiver<AcceptError<P>>;

/// A report function for a listener, and a channel with its reports.
fn reports<P: Send + 'static>() -> (impl FnMut(AcceptError<P>) + Send + 'static, Reports<P>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let report = move |failed| {
        // A test may ignore the remaining reports.
        let _ = sender.send(failed);
    };
    (report, receiver)
}

/// Echoes until the end.
async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.shutdown().await,
            count => {
                stream.write_all(&buffer[..count]).await?;
                stream.flush().await?;
            }
        }
    }
}

/// Accepts in a task of its own and echoes, until the listener has ended.
fn serve(mut listener: Listener) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(connection) = listener.accept().await {
            tokio::spawn(echo(connection));
        }
    })
}

async fn assert_echo<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    stream.write_all(b"hello").await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"hello");
}
