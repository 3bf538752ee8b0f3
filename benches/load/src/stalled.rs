//! Clients that stall in their handshakes, and one that does not.

use std::io::Write;
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::BoxError;
use crate::client::Client;
use crate::serve::Kind;
use crate::server::{Folder, Server};

/// How many handshakes of a healthy client are timed.
const HEALTHY: usize = 300;

/// How many clients connect at once: the queue of a listening socket has 128 places in most
/// programs.
const BATCH: usize = 100;

/// How often to check whether all clients are gone.
const TICK: Duration = Duration::from_millis(10);

/// How long after the timeout they may remain before it is an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where clients stall.
#[derive(Clone, Copy)]
enum Stall {
    Silent,
    HalfHello,
    WholeHello,
}

impl Stall {
    const ALL: [Self; 3] = [Self::Silent, Self::HalfHello, Self::WholeHello];

    fn name(self) -> &'static str {
        match self {
            Self::Silent => "nothing",
            Self::HalfHello => "half a ClientHello",
            Self::WholeHello => "a ClientHello only",
        }
    }

    /// The part of a ClientHello that is sent.
    fn part(self, hello: &[u8]) -> &[u8] {
        match self {
            Self::Silent => &[],
            Self::HalfHello => &hello[..hello.len() / 2],
            Self::WholeHello => hello,
        }
    }
}

pub(crate) fn run(folder: &Folder, clients: usize, deadline: Duration) -> Result<(), BoxError> {
    println!(
        "{clients} stalled clients, deadline {} s; medians of {HEALTHY} healthy clients.\n",
        deadline.as_secs(),
    );
    println!(
        "| sent | server | healthy before, ms | meanwhile, ms | ratio | \
         bytes per stalled client | all closed after the last had connected, s | left |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for stall in Stall::ALL {
        for kind in Kind::ALL {
            measure(folder, kind, stall, clients, deadline)?;
        }
    }
    println!();
    Ok(())
}

fn measure(
    folder: &Folder,
    kind: Kind,
    stall: Stall,
    clients: usize,
    deadline: Duration,
) -> Result<(), BoxError> {
    let server = Server::start(kind, folder, deadline)?;
    let client = Client::new();
    let hello = client.hello()?;
    client.usual(server.address(), HEALTHY)?;
    let before = client.usual(server.address(), HEALTHY)?;
    sleep(TICK);
    let usage = server.usage();
    let (memory, descriptors) = (usage.memory()?, usage.descriptors()?);

    let mut stalled = Vec::with_capacity(clients);
    while stalled.len() < clients {
        for _ in 0..BATCH.min(clients - stalled.len()) {
            let mut tcp = TcpStream::connect(server.address())?;
            tcp.write_all(stall.part(&hello))?;
            stalled.push(tcp);
        }
        // Queued in the kernel after them; otherwise its queue might overflow.
        client.ask(server.address())?;
    }
    let last = Instant::now();
    let each = (usage.memory()?.saturating_sub(memory)) / clients;
    let meanwhile = client.usual(server.address(), HEALTHY)?;
    if usage.descriptors()? < descriptors + clients {
        return Err("clients are gone before the deadline: choose a longer one".into());
    }

    while usage.descriptors()? > descriptors && last.elapsed() < deadline + PATIENCE {
        sleep(TICK);
    }
    let gone = last.elapsed();
    println!(
        "| {} | {} | {:.2} | {:.2} | {:.2} | {each} | {:.2} | {} |",
        stall.name(),
        kind.name(),
        before.as_secs_f64() * 1e3,
        meanwhile.as_secs_f64() * 1e3,
        meanwhile.as_secs_f64() / before.as_secs_f64(),
        gone.as_secs_f64(),
        usage.descriptors()?.saturating_sub(descriptors),
    );
    Ok(())
}
