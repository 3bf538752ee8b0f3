//! The time from the ClientHello to the first byte of a response, over a link with a delay.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollback_testkit::configs::{Setup, Version};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep_until, timeout};

use super::KIB;

/// The one-way delay of the link.
pub const DELAY: Duration = Duration::from_millis(50);

/// How the connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// A full handshake of TLS 1.2.
    FullTls12,
    /// A full handshake of TLS 1.3.
    Full,
    /// A resumed handshake.
    Resumed,
    /// A resumed handshake with the request as early data, and a response as soon as the server has
    /// it.
    Early,
}

impl Beginning {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FullTls12, Self::Full, Self::Resumed, Self::Early];

    /// The description for readers.
    pub fn title(self) -> &'static str {
        match self {
            Self::FullTls12 => "full, TLS 1.2",
            Self::Full => "full, TLS 1.3",
            Self::Resumed => "resumed",
            Self::Early => "early data",
        }
    }

    fn setup(self) -> Setup {
        match self {
            Self::FullTls12 => Setup::new(Version::Tls12),
            _ => Setup::new(Version::Tls13).early_data(16 * KIB as u32),
        }
    }

    /// How many connections were made before.
    fn acquaintances(self) -> usize {
        match self {
            Self::FullTls12 | Self::Full => 0,
            Self::Resumed | Self::Early => 1,
        }
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

/// A server that never responds is a bug, not a result.
const LIMIT: Duration = Duration::from_secs(10);

macro_rules! measured {
    ($name:ident, $doc:literal, $make:ident, $acceptor:expr, $take_early:expr) => {
        #[doc = $doc]
        pub fn $name(beginning: Beginning) -> io::Result<Duration> {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().build()?.block_on(async {
                let setup = beginning.setup();
                let mut server: ServerConfig = setup.server();
                server.send_half_rtt_data = true;
                let client: ClientConfig = setup.client();
                let connector = $make::TlsConnector::from(Arc::new(client))
                    .early_data(beginning == Beginning::Early);
                let acceptor = $acceptor($make::TlsAcceptor::from(Arc::new(server)));
                let mut figure = Duration::ZERO;
                for _ in 0..=beginning.acquaintances() {
                    let (near, far) = link();
                    let name = ServerName::try_from("localhost").expect("a valid name");
                    let begun = Instant::now();
                    let exchange = async {
                        tokio::try_join!(
                            async {
                                let mut stream = connector.connect(name, near).await?;
                                stream.write_all(REQUEST).await?;
                                stream.flush().await?;
                                stream.read_u8().await?;
                                let first_byte = begun.elapsed();
                                // The ticket arrives after the response, if not before it.
                                stream.shutdown().await?;
                                stream.read_to_end(&mut Vec::new()).await?;
                                io::Result::Ok(first_byte)
                            },
                            async {
                                let mut stream = acceptor.accept(far).await?;
                                let early: usize = $take_early(&mut stream);
                                let mut request = vec![0; REQUEST.len() - early];
                                stream.read_exact(&mut request).await?;
                                stream.write_all(ANSWER).await?;
                                stream.flush().await?;
                                stream.read_to_end(&mut Vec::new()).await?;
                                stream.shutdown().await
                            }
                        )
                    };
                    (figure, ()) = timeout(LIMIT, exchange).await??;
                }
                Ok(figure)
            })
        }
    };
}

measured!(
    first_byte,
    "How long it takes with pollback.",
    pollback,
    |acceptor: pollback::TlsAcceptor| acceptor.early_data(true),
    |_: &mut pollback::server::TlsStream<DuplexStream>| 0
);

measured!(
    first_byte_of_tokio_rustls,
    "How long it takes with tokio-rustls.",
    tokio_rustls,
    std::convert::identity,
    |stream: &mut tokio_rustls::server::TlsStream<DuplexStream>| {
        let Some(mut early) = stream.get_mut().1.early_data() else {
            return 0;
        };
        io::copy(&mut early, &mut io::sink()).expect("bytes in memory") as usize
    }
);

/// Two ends connected by a link with a delay.
fn link() -> (DuplexStream, DuplexStream) {
    let (near, here) = duplex(64 * KIB);
    let (far, there) = duplex(64 * KIB);
    let (read_here, write_here) = split(here);
    let (read_there, write_there) = split(there);
    for (read, write) in [(read_here, write_there), (read_there, write_here)] {
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(depart(read, sender));
        tokio::spawn(arrive(receiver, write));
    }
    (near, far)
}

type Underway = (tokio::time::Instant, Vec<u8>);

async fn depart(mut from: ReadHalf<DuplexStream>, link: UnboundedSender<Underway>) {
    let mut room = vec![0; 64 * KIB];
    while let Ok(length @ 1..) = from.read(&mut room).await {
        let arrival = tokio::time::Instant::now() + DELAY;
        if link.send((arrival, room[..length].to_vec())).is_err() {
            break;
        }
    }
}

async fn arrive(mut link: UnboundedReceiver<Underway>, mut to: WriteHalf<DuplexStream>) {
    while let Some((arrival, bytes)) = link.recv().await {
        sleep_until(arrival).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    // The other end may be closed already.
    let _ = to.shutdown().await;
}
