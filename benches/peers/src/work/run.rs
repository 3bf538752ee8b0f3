//! The work of a row, on new connections.

use std::hint::black_box;
use std::io;
use std::thread;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use super::meeting::meeting;
use super::{KIB, Row, Sockets, Threads, Work, halves};
use crate::cost::{Cost, Start};
use crate::peer::{Peer, Splitter, Stream, split_by_lock};
use crate::transport::{self, Counter, Counts, Listener, connected};

/// How many connections the work of a sample is divided between.
const CONNECTIONS: usize = 8;

/// The counts of both ends together.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Calls of the transports.
    pub calls: Counts,
    /// TLS records written, if any.
    pub records: Option<u64>,
    /// Allocations, if they are visible.
    pub allocations: Option<u64>,
}

/// Does the work of a row and returns its cost, without counting calls.
pub fn timed<P: Peer>(peer: P, row: &Row, units: usize) -> io::Result<Cost> {
    let (connections, each) = match row.work {
        Work::Handshake => (units, 1),
        _ => (CONNECTIONS, units.div_ceil(CONNECTIONS)),
    };
    let pair = Pair::new(peer, |tcp| tcp, halves::split_socket);
    (0..connections)
        .map(|_| Ok(pair.run(row, each, || ())?.0))
        .sum()
}

/// Does the work of a row and counts.
pub fn counted<P: Peer>(peer: P, row: &Row, units: usize) -> io::Result<Counted> {
    let counter = Counter::default();
    let wrap = |tcp| transport::Counted::new(tcp, &counter);
    let pair = Pair::new(peer, wrap, split_by_lock);
    let (cost, before) = pair.run(row, units, || counter.counts())?;
    let calls = counter.counts() - before;
    Ok(Counted {
        calls,
        records: P::MAKES_RECORDS.then_some(calls.records),
        // The threads of a runtime have separate counters.
        allocations: (P::ALLOCATES_IN_RUST && row.threads != Threads::Halves)
            .then_some(cost.allocations),
    })
}

/// Does the work of a row without a kernel, over pipes in memory.
pub fn in_memory<P: Peer>(peer: &P, row: &Row, units: usize) -> io::Result<()> {
    let (connections, each) = match row.work {
        Work::Handshake => (units, 1),
        _ => (1, units),
    };
    let runtime = Builder::new_current_thread().build()?;
    for _ in 0..connections {
        let transports = tokio::io::duplex(256 * KIB);
        as_tasks(&runtime, peer, transports, row.work, each, || ())?;
    }
    Ok(())
}

/// Makes connections with a peer, over wrapped TCP connections.
struct Pair<P, W, T> {
    peer: P,
    wrap: W,
    split: Splitter<T>,
}

impl<P, W, T> Pair<P, W, T>
where
    P: Peer,
    W: Fn(TcpStream) -> T + Sync,
    T: Stream,
{
    fn new(peer: P, wrap: W, split: Splitter<T>) -> Self {
        Self { peer, wrap, split }
    }

    /// Does the work of a row on a new connection. `begin` is called when the work begins.
    fn run<B>(&self, row: &Row, units: usize, begin: impl Fn() -> B) -> io::Result<(Cost, B)> {
        let _scattered = scatter();
        match row.threads {
            Threads::One => self.on_one_thread(row, units, begin),
            Threads::Two => self.on_two_threads(row, units, begin),
            Threads::Halves => {
                let runtime = Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_io()
                    .build()?;
                let transports = self.transports(&runtime, row)?;
                halves::both_ways(&runtime, &self.peer, transports, self.split, units, begin)
            }
        }
    }

    fn transport(&self, tcp: TcpStream, row: &Row) -> io::Result<T> {
        tcp.set_nodelay(row.sockets == Sockets::NoDelay)?;
        Ok((self.wrap)(tcp))
    }

    /// Both ends of a new connection.
    fn transports(&self, runtime: &Runtime, row: &Row) -> io::Result<(T, T)> {
        let (client, server) = runtime.block_on(async {
            let listener = Listener::new().await?;
            tokio::try_join!(connected(listener.address()?), listener.accept())
        })?;
        Ok((self.transport(client, row)?, self.transport(server, row)?))
    }

    fn on_one_thread<B>(
        &self,
        row: &Row,
        units: usize,
        begin: impl Fn() -> B,
    ) -> io::Result<(Cost, B)> {
        let runtime = runtime()?;
        let transports = self.transports(&runtime, row)?;
        as_tasks(&runtime, &self.peer, transports, row.work, units, begin)
    }

    fn on_two_threads<B>(
        &self,
        row: &Row,
        units: usize,
        begin: impl Fn() -> B,
    ) -> io::Result<(Cost, B)> {
        let runtime = runtime()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (ours, theirs) = meeting();
        thread::scope(|scope| {
            let server = scope.spawn(move || {
                let runtime = self::runtime()?;
                let mut stream = runtime.block_on(async {
                    let tcp = Listener::from_std(listener)?.accept().await?;
                    self.peer.accept(self.transport(tcp, row)?).await
                })?;
                theirs.meet()?;
                let start = Start::now();
                runtime.block_on(row.work.server(&mut stream, units))?;
                let cost = start.cost();
                theirs.meet()?;
                io::Result::Ok(cost.allocations)
            });
            let mut stream = runtime.block_on(async {
                let tcp = connected(address).await?;
                self.peer.connect(self.transport(tcp, row)?).await
            })?;
            ours.meet()?;
            let (begun, start) = (begin(), Start::now());
            runtime.block_on(row.work.client(&mut stream, units))?;
            ours.meet()?;
            let mut cost = start.cost();
            cost.allocations += server.join().expect("the server does not panic")?;
            Ok((cost, begun))
        })
    }
}

/// Makes a connection over `transports` and does the work, with a task for each end.
fn as_tasks<P: Peer, T: Stream, B>(
    runtime: &Runtime,
    peer: &P,
    transports: (T, T),
    work: Work,
    units: usize,
    begin: impl Fn() -> B,
) -> io::Result<(Cost, B)> {
    let (connecting, accepting) = (peer.clone(), peer.clone());
    let (mut begun, mut start) = (begin(), Start::now());
    let (mut client, mut server) = runtime.block_on(both(
        async move { connecting.connect(transports.0).await },
        async move { accepting.accept(transports.1).await },
    ))?;
    if work != Work::Handshake {
        begun = begin();
        start = Start::now();
        (client, server) = runtime.block_on(both(
            async move { work.client(&mut client, units).await.map(|()| client) },
            async move { work.server(&mut server, units).await.map(|()| server) },
        ))?;
    }
    let cost = start.cost();
    drop((client, server));
    Ok((cost, begun))
}

/// Runs both as tasks on this thread.
pub(super) async fn both<A, B>(
    one: impl Future<Output = io::Result<A>> + Send + 'static,
    other: impl Future<Output = io::Result<B>> + Send + 'static,
) -> io::Result<(A, B)>
where
    A: Send + 'static,
    B: Send + 'static,
{
    let (one, other) = (tokio::spawn(one), tokio::spawn(other));
    let (one, other) = tokio::try_join!(one, other)?;
    Ok((one?, other?))
}

pub(super) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().build()
}

/// Shifts the addresses of the next heap allocations.
///
/// Copies are slow between addresses whose difference is slightly more than a multiple of 4096, so
/// otherwise the results would depend on accidental placement.
fn scatter() -> Vec<Vec<u8>> {
    let size = || fastrand::usize(16..8192);
    (0..64)
        .map(|_| black_box(Vec::with_capacity(size())))
        .collect()
}
