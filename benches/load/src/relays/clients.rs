//! Clients of the example proxy.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pollback::rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::BoxError;
use crate::flood::any_server;

/// How many connections are made at once: the queue of a listening socket has 128 places in most
/// programs.
const BATCH: usize = 64;

/// The size of an exchange in each direction.
const BYTES: usize = 1024;

/// How many new connections are timed.
const TIMED: usize = 200;

pub(super) struct Clients {
    runtime: Runtime,
    connector: TlsConnector,
    server: SocketAddr,
}

type Stream = TlsStream<TcpStream>;

/// The work of busy connections.
pub(super) struct Busy {
    pub(super) total: u64,
    /// The exchanges of the slowest connection.
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) failed: usize,
}

/// How and when connections have ended.
pub(super) struct Ends {
    pub(super) first: Duration,
    pub(super) last: Duration,
    pub(super) in_order: usize,
}

impl Clients {
    pub(super) fn new(server: SocketAddr) -> Result<Self, BoxError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime,
            connector: TlsConnector::from(Arc::new(any_server()?)),
            server,
        })
    }

    fn connect(
        &self,
        name: &'static str,
    ) -> impl Future<Output = io::Result<Stream>> + Send + 'static {
        let (connector, server) = (self.connector.clone(), self.server);
        async move {
            let tcp = TcpStream::connect(server).await?;
            tcp.set_nodelay(true)?;
            let name = ServerName::try_from(name).map_err(io::Error::other)?;
            connector.connect(name, tcp).await
        }
    }

    /// Makes connections that send a first byte and do not wait.
    pub(super) fn handshakes(
        &self,
        name: &'static str,
        count: usize,
    ) -> Result<Vec<Stream>, BoxError> {
        self.runtime.block_on(async {
            let mut open = Vec::with_capacity(count);
            while open.len() < count {
                let batch = BATCH.min(count - open.len());
                let batch: Vec<_> = (0..batch)
                    .map(|_| {
                        let connect = self.connect(name);
                        tokio::spawn(async move {
                            let mut stream = connect.await?;
                            stream.write_all(&[1]).await?;
                            stream.flush().await?;
                            io::Result::Ok(stream)
                        })
                    })
                    .collect();
                for one in batch {
                    open.push(one.await??);
                }
            }
            Ok(open)
        })
    }

    /// Makes connections, each with its first byte sent and received.
    pub(super) fn open(&self, name: &'static str, count: usize) -> Result<Vec<Stream>, BoxError> {
        let mut open = self.handshakes(name, count)?;
        self.runtime.block_on(async {
            for stream in &mut open {
                stream.read_u8().await?;
            }
            Ok(open)
        })
    }

    /// The median time of a new connection with one exchange.
    pub(super) fn usual(&self) -> Result<Duration, BoxError> {
        self.runtime.block_on(usual(|| self.connect("localhost")))
    }

    /// Makes exchanges on all connections for this long. Also returns the time of a new connection
    /// meanwhile.
    pub(super) fn busy(
        &self,
        open: Vec<Stream>,
        time: Duration,
    ) -> Result<(Busy, Duration), BoxError> {
        let end = Instant::now() + time;
        self.runtime.block_on(async {
            let work = |mut stream: Stream| async move {
                let mut count = 0;
                let mut buffer = [7; BYTES];
                while Instant::now() < end {
                    exchange(&mut stream, &mut buffer).await?;
                    count += 1;
                }
                io::Result::Ok(count)
            };
            let all: Vec<_> = open
                .into_iter()
                .map(|stream| tokio::spawn(work(stream)))
                .collect();
            let meanwhile = usual(|| self.connect("localhost")).await?;
            let mut busy = Busy {
                total: 0,
                least: u64::MAX,
                most: 0,
                failed: 0,
            };
            for one in all {
                match one.await? {
                    Ok(count) => {
                        busy.total += count;
                        busy.least = busy.least.min(count);
                        busy.most = busy.most.max(count);
                    }
                    Err(_) => busy.failed += 1,
                }
            }
            Ok((busy, meanwhile))
        })
    }

    /// Waits for all of them to end. Times count from `begun`.
    pub(super) fn ends(&self, open: Vec<Stream>, begun: Instant) -> Result<Ends, BoxError> {
        self.runtime.block_on(async {
            let ends = |mut stream: Stream| async move {
                let read = stream.read_to_end(&mut Vec::new()).await;
                (begun.elapsed(), read.is_ok())
            };
            let all: Vec<_> = open
                .into_iter()
                .map(|stream| tokio::spawn(ends(stream)))
                .collect();
            let mut ends = Ends {
                first: Duration::MAX,
                last: Duration::ZERO,
                in_order: 0,
            };
            for one in all {
                let (time, in_order) = one.await?;
                ends.first = ends.first.min(time);
                ends.last = ends.last.max(time);
                ends.in_order += usize::from(in_order);
            }
            Ok(ends)
        })
    }
}

async fn exchange(stream: &mut Stream, buffer: &mut [u8]) -> io::Result<()> {
    stream.write_all(buffer).await?;
    stream.flush().await?;
    stream.read_exact(buffer).await?;
    Ok(())
}

async fn usual<F>(connect: impl Fn() -> F) -> Result<Duration, BoxError>
where
    F: Future<Output = io::Result<Stream>>,
{
    let mut times = Vec::new();
    for _ in 0..TIMED {
        let begun = Instant::now();
        exchange(&mut connect().await?, &mut [7; 64]).await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[TIMED / 2])
}
