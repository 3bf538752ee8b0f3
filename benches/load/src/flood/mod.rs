//! Established connections during a flood of handshakes: the latency of their requests, through
//! several relays that terminate TLS.

mod handshakes;
pub(crate) mod probes;
mod relay;
pub(crate) mod waits;

use std::fmt;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::BoxError;
use crate::client::Client;
use crate::proxies::program::{PROGRAMS, Program, Proxy};
use crate::server::Folder;
pub(crate) use handshakes::any_server;
use relay::Relay;
pub(crate) use relay::{Kind, run as serve};
use waits::Threads;

/// The duration of one measurement.
const TIME: Duration = Duration::from_secs(2);

/// The duration of the flood during it.
const FLOOD: Duration = Duration::from_millis(2500);

/// How many clients perform handshakes, each one after another.
const CLIENTS: usize = 64;

/// How many clients have sent a partial ClientHello, or a complete one and nothing more.
const STALLED: usize = 1000;

/// What is measured.
#[derive(Clone, Copy, PartialEq)]
enum Subject {
    Relay(Kind),
    /// A relay, and clients that stall.
    Stalled(Kind),
    Program(Program),
}

/// A running subject.
enum Running {
    Relay(Relay),
    Program(Proxy),
}

/// The measurements of a subject, one for each round.
#[derive(Default)]
struct Measured {
    /// Handshakes a second.
    rates: Vec<f64>,
    /// Handshakes per second of the server's processor time, excluding the time for the established
    /// connections: the less they wait, the more requests they make.
    efficiencies: Vec<f64>,
    /// Milliseconds.
    medians: Vec<f64>,
    /// Milliseconds.
    p99s: Vec<f64>,
    /// The same, without a flood.
    calm: Vec<f64>,
}

/// Measures each installed relay, `rounds` times in turns, and prints which are missing. `own` is
/// the binary of the example proxy; `words` selects the relays.
pub(crate) fn run(folder: &Folder, own: &Path, rounds: usize, words: &str) -> Result<(), BoxError> {
    let mut subjects: Vec<_> = Kind::ALL.map(Subject::Relay).into();
    subjects.push(Subject::Stalled(Kind::Listener));
    for program in PROGRAMS {
        match program.missing(own, folder) {
            None => subjects.push(Subject::Program(program)),
            Some(reason) => println!("Without {}: {reason}.\n", program.name()),
        }
    }
    let unpaced = Subject::Relay(Kind::Acceptor);
    subjects.retain(|subject| *subject == unpaced || subject.to_string().contains(words));
    let (to, backend) = probes::backend()?;
    let mut others = vec![backend];
    println!(
        "{CLIENTS} clients that make handshakes, {} established connections; medians of {rounds} \
         rounds of {} s.{}\n",
        probes::COUNT,
        TIME.as_secs(),
        match probes::may_go_first() {
            true => "",
            false =>
                " The established connections compete with the flood for the processor, because \
                      this user may not give them a higher priority.",
        },
    );
    println!(
        "| workers | server | p50, ms | p99, ms | p99 without a flood, ms | handshakes/s | \
         per second of processor time | relative to no pacing |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for workers in [1, 2] {
        let mut all: Vec<_> = subjects.iter().map(|_| Measured::default()).collect();
        for _ in 0..rounds {
            for (subject, measured) in subjects.iter().zip(&mut all) {
                let running = subject.start(own, folder, to, workers)?;
                measured.add(*subject, &running, workers, &mut others)?;
            }
        }
        let unpaced = subjects.iter().position(|subject| *subject == unpaced);
        let unpaced = unpaced.ok_or("nothing to compare with")?;
        for (subject, measured) in subjects.iter().zip(&all) {
            let beside = measured.efficiencies.iter().zip(&all[unpaced].efficiencies);
            println!(
                "| {workers} | {subject} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.2} |",
                median(&measured.medians),
                median(&measured.p99s),
                median(&measured.calm),
                median(&measured.rates),
                median(&measured.efficiencies),
                median(&beside.map(|(one, other)| one / other).collect::<Vec<_>>()),
            );
        }
    }
    println!();
    Ok(())
}

impl Subject {
    fn start(
        self,
        own: &Path,
        folder: &Folder,
        to: SocketAddr,
        workers: usize,
    ) -> Result<Running, BoxError> {
        Ok(match self {
            Self::Relay(kind) | Self::Stalled(kind) => {
                Running::Relay(Relay::start(kind, folder, to, workers)?)
            }
            Self::Program(program) => {
                Running::Program(Proxy::start(program, own, folder, to, workers)?)
            }
        })
    }

    fn speaks_tls(self) -> bool {
        self != Self::Relay(Kind::Plain)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relay(kind) => f.write_str(kind.name()),
            Self::Stalled(kind) => write!(f, "{}, with {STALLED} stalled clients", kind.name()),
            Self::Program(program) => f.write_str(program.name()),
        }
    }
}

impl Running {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Relay(relay) => relay.address(),
            Self::Program(proxy) => proxy.terminating,
        }
    }

    fn process(&self) -> u32 {
        match self {
            Self::Relay(relay) => relay.process(),
            Self::Program(proxy) => proxy.process(),
        }
    }
}

impl Measured {
    fn add(
        &mut self,
        subject: Subject,
        running: &Running,
        workers: usize,
        others: &mut Vec<Threads>,
    ) -> Result<(), BoxError> {
        let address = running.address();
        let client = Client::new();
        let stalled = match subject {
            Subject::Stalled(_) => stall(&client, address)?,
            _ => Vec::new(),
        };
        let probes = probes::connect(&client, address, subject.speaks_tls())?;
        handshakes::flood(address, subject.speaks_tls(), CLIENTS, TIME / 8)?;
        // The threads are known by now.
        others.push(Threads::serving(running.process(), workers)?);
        let threads = Threads::all(running.process())?;
        let before = threads.ran()?;
        let (calm, probes) = probes::measure(probes, others, TIME / 4)?;
        let each = (threads.ran()? - before).as_secs_f64() / calm.count() as f64;
        self.calm.push(calm.at(0.99));
        let before = threads.ran()?;
        let (times, rate) = scope(|scope| -> Result<_, BoxError> {
            let flood = scope.spawn(|| {
                // Slightly longer, so that the whole measurement is under load.
                handshakes::flood(address, subject.speaks_tls(), CLIENTS, FLOOD)
            });
            sleep(TIME / 8);
            let (times, _) = probes::measure(probes, others, TIME)?;
            let flood = flood.join().map_err(|_| "the flood has failed")?;
            Ok((times, flood?))
        })?;
        others.pop();
        drop(stalled);
        let used = (threads.ran()? - before).as_secs_f64();
        self.rates.push(rate);
        let count = rate * FLOOD.as_secs_f64();
        self.efficiencies
            .push(count / (used - each * times.count() as f64));
        self.medians.push(times.at(0.5));
        self.p99s.push(times.at(0.99));
        Ok(())
    }
}

/// Leaves clients behind that have sent a partial ClientHello, or a complete one and nothing more.
fn stall(client: &Client, address: SocketAddr) -> Result<Vec<TcpStream>, BoxError> {
    let hello = client.hello()?;
    let mut stalled = Vec::new();
    for number in 0..STALLED {
        let mut tcp = TcpStream::connect(address)?;
        let end = if number % 2 == 0 {
            hello.len() / 2
        } else {
            hello.len()
        };
        tcp.write_all(&hello[..end])?;
        stalled.push(tcp);
        if number % 64 == 0 {
            // The queue of a listening socket has 128 places in most programs.
            sleep(Duration::from_millis(20));
        }
    }
    sleep(Duration::from_millis(200));
    Ok(stalled)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
