//! Established connections that send occasional requests.

use std::io;
use std::iter::once;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::channel;
use std::thread::{self, scope, sleep};
use std::time::{Duration, Instant};

use super::waits::Threads;
use crate::BoxError;
use crate::client::Client;
use crate::proxies::peer::Peer;

/// How many there are.
pub(super) const COUNT: usize = 16;

/// The pause between two requests of each.
const PAUSE: Duration = Duration::from_millis(5);

/// The size of a request, and of its response.
const BYTES: usize = 64;

/// The latencies of requests in milliseconds, sorted, without the time in which the server, the
/// backend or the client waited for a processor.
pub(super) struct Times(Vec<f64>);

impl Times {
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The given percentile.
    pub(super) fn at(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let index = (last as f64 * part).round() as usize;
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// Gives this thread priority over the flood, which would otherwise delay it and make the server
/// seem slow.
fn go_first() -> bool {
    rustix::process::nice(-10).is_ok()
}

/// Whether the user is allowed to do that.
pub(super) fn may_go_first() -> bool {
    thread::spawn(go_first).join().unwrap_or(false)
}

/// Starts an echo backend. Returns its address and thread.
pub(crate) fn backend() -> Result<(SocketAddr, Threads), BoxError> {
    let (told, thread) = channel();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let serve = move || -> io::Result<()> {
        go_first();
        // Nothing waits for it once the other side is gone.
        let _ = told.send(Threads::own());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            loop {
                let (tcp, _) = listener.accept().await?;
                tokio::spawn(echo(tcp));
            }
        })
    };
    thread::spawn(serve);
    Ok((address, thread.recv()??))
}

async fn echo(mut tcp: tokio::net::TcpStream) -> io::Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    tcp.set_nodelay(true)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        match tcp.read(&mut buffer).await? {
            0 => return Ok(()),
            count => tcp.write_all(&buffer[..count]).await?,
        }
    }
}

/// Establishes the connections.
pub(super) fn connect(
    client: &Client,
    address: SocketAddr,
    tls: bool,
) -> Result<Vec<Peer>, BoxError> {
    let connect = |_| {
        let mut peer = match tls {
            true => Peer::terminated(client, address)?,
            false => Peer::plain(address)?,
        };
        peer.ask(BYTES, BYTES as u64)?;
        Ok(peer)
    };
    (0..COUNT).map(connect).collect()
}

/// Sends requests on each connection for this long.
pub(super) fn measure(
    peers: Vec<Peer>,
    others: &[Threads],
    time: Duration,
) -> Result<(Times, Vec<Peer>), BoxError> {
    let end = Instant::now() + time;
    let work = |number: usize, mut peer: Peer| -> io::Result<_> {
        go_first();
        sleep(PAUSE * number as u32 / COUNT as u32);
        let own = Threads::own()?;
        let waits = || -> io::Result<Vec<Vec<Duration>>> {
            once(&own).chain(others).map(Threads::waits).collect()
        };
        let mut times = Vec::new();
        while Instant::now() < end {
            let before = waits()?;
            let begun = Instant::now();
            peer.ask(BYTES, BYTES as u64)?;
            let taken = begun.elapsed();
            let waited: Duration = before.iter().zip(waits()?).map(least_growth).sum();
            times.push(taken.saturating_sub(waited).as_secs_f64() * 1e3);
            sleep(PAUSE);
        }
        Ok((times, peer))
    };
    scope(|scope| {
        let started = peers.into_iter().enumerate();
        let started = started.map(|(number, peer)| scope.spawn(move || work(number, peer)));
        let (mut times, mut peers) = (Vec::new(), Vec::new());
        for one in started.collect::<Vec<_>>() {
            let (some, peer) = one.join().map_err(|_| "a client has failed")??;
            times.extend(some);
            peers.push(peer);
        }
        times.sort_by(f64::total_cmp);
        Ok((Times(times), peers))
    })
}

/// The smallest increase: one of the threads has served the request, and has waited for at least as
/// long.
fn least_growth((before, after): (&Vec<Duration>, Vec<Duration>)) -> Duration {
    let grown = before
        .iter()
        .zip(after)
        .map(|(before, after)| after - *before);
    grown.min().unwrap_or_default()
}
