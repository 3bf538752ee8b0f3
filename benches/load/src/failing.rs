//! Clients that send plain HTTP to a server with TLS, and stay until it closes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::BoxError;
use crate::client::Client;
use crate::serve::Kind;
use crate::server::{Folder, Server};
use crate::throughput::median;

/// How many connections the listener keeps after their handshakes have failed.
const LINGERING: usize = 1024;

/// How many clients fail: as many as linger, and more than these.
const CLIENTS: [usize; 2] = [LINGERING, 3000];

/// How many handshakes of a healthy client are measured.
const HEALTHY: usize = 300;

/// How many clients connect at once: the queue of a listening socket has 128 places in most
/// programs.
const BATCH: usize = 100;

/// How often to check whether all clients are gone.
const TICK: Duration = Duration::from_millis(10);

/// How long to wait for an alert, or until all clients are gone, before it is an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// The size of a record with an alert that is not encrypted.
const ALERT: usize = 7;

/// The type of such a record.
const ALERT_TYPE: u8 = 21;

/// What clients cost.
#[derive(Default)]
struct Cost {
    /// The processor time of each in microseconds, by round.
    times: Vec<f64>,
    /// The most connections that were open at once in any round.
    open: usize,
    /// The memory by which the server grew, divided by the connections open at once, by round.
    memory: Vec<f64>,
    /// How many have received the alert, in all rounds.
    alerts: usize,
    /// How long after the last client had connected all were closed, in seconds, by round.
    gone: Vec<f64>,
}

/// Each round has servers of its own, so that none uses memory that another round has left.
/// `available` is the number of connections for which there are descriptors.
pub(crate) fn run(folder: &Folder, rounds: usize, available: usize) -> Result<(), BoxError> {
    println!(
        "Clients that send plain HTTP and stay, and {HEALTHY} healthy ones; medians of {rounds} \
         rounds.\n"
    );
    println!(
        "| clients | processor time each, µs, minimum | median | relative to a handshake | \
         most open at once | bytes for each of these | received the alert | \
         all closed after the last had connected, s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let counts = CLIENTS.map(|count| count.min(available));
    let mut handshakes = Vec::new();
    let mut costs = [Cost::default(), Cost::default()];
    for _ in 0..rounds {
        for (count, cost) in counts.into_iter().zip(&mut costs) {
            let server = Server::start(Kind::Listener, folder, PATIENCE)?;
            handshakes.push(handshake(&server)?);
            cost.add(&server, count)?;
        }
    }
    handshakes.sort_by(f64::total_cmp);
    let [least, handshake] = [handshakes[0], median(&handshakes)];
    println!(
        "| a full handshake and a request | {least:.0} | {handshake:.0} | 1.00 | – | – | – | – |"
    );
    for (count, mut cost) in counts.into_iter().zip(costs) {
        for values in [&mut cost.times, &mut cost.memory, &mut cost.gone] {
            values.sort_by(f64::total_cmp);
        }
        println!(
            "| {count} with plain HTTP | {:.0} | {:.0} | {:.2} | {} | {:.0} | {} of {} | {:.2} |",
            cost.times[0],
            median(&cost.times),
            median(&cost.times) / handshake,
            cost.open,
            median(&cost.memory),
            cost.alerts,
            count * rounds,
            median(&cost.gone),
        );
    }
    println!();
    Ok(())
}

/// The processor time of a full handshake and a request, in microseconds.
fn handshake(server: &Server) -> Result<f64, BoxError> {
    let client = Client::new();
    // The first ones cost more.
    client.usual(server.address(), HEALTHY)?;
    let before = server.processor_time()?;
    client.usual(server.address(), HEALTHY)?;
    sleep(TICK);
    Ok(each(server.processor_time()? - before, HEALTHY))
}

/// A share in microseconds.
fn each(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count as f64
}

impl Cost {
    fn add(&mut self, server: &Server, count: usize) -> Result<(), BoxError> {
        let usage = server.usage();
        let (memory, descriptors) = (usage.memory()?, usage.descriptors()?);
        let before = server.processor_time()?;
        let (mut open, mut grown) = (0, 0);
        let mut sample = || -> Result<usize, BoxError> {
            let now = usage.descriptors()?.saturating_sub(descriptors);
            open = open.max(now);
            grown = grown.max(usage.memory()?.saturating_sub(memory));
            Ok(now)
        };

        let mut clients = Vec::with_capacity(count);
        while clients.len() < count {
            let first = clients.len();
            for _ in 0..BATCH.min(count - first) {
                let mut tcp = TcpStream::connect(server.address())?;
                tcp.set_read_timeout(Some(PATIENCE))?;
                tcp.write_all(b"GET / HTTP/1.1\r\n\r\n")?;
                clients.push(tcp);
            }
            for tcp in &mut clients[first..] {
                self.alerts += usize::from(receives_alert(tcp));
            }
            sample()?;
        }
        let last = Instant::now();
        while sample()? > 0 {
            if last.elapsed() > PATIENCE {
                return Err("clients with failed handshakes are still connected".into());
            }
            sleep(TICK);
        }
        if open > LINGERING + BATCH {
            return Err(format!("{open} connections were open at once").into());
        }
        self.gone.push(last.elapsed().as_secs_f64());
        self.times
            .push(each(server.processor_time()? - before, count));
        self.memory.push(grown as f64 / open.max(1) as f64);
        self.open = self.open.max(open);
        Ok(())
    }
}

/// Beyond the limit on lingering connections, the server may reset a connection before the alert is
/// read.
fn receives_alert(tcp: &mut TcpStream) -> bool {
    let mut record = [0; ALERT];
    tcp.read_exact(&mut record).is_ok() && record[0] == ALERT_TYPE
}
