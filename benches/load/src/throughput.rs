//! Requests per second, and the server's cost of each.

use std::time::Duration;

use crate::BoxError;
use crate::generator::Load;
use crate::serve::Kind;
use crate::server::{Folder, Server};

/// Far longer than any handshake takes.
const DEADLINE: Duration = Duration::from_secs(60);

/// The measurements of one server under one load.
#[derive(Clone, Default)]
struct Measured {
    per_second: Vec<f64>,
    /// Processor time of each request in microseconds.
    costs: Vec<f64>,
    requests: u64,
    failed: u64,
}

/// Runs each load against each server in turns, so that other activity of the machine affects all
/// of them.
pub(crate) fn run(folder: &Folder, rounds: usize) -> Result<(), BoxError> {
    let servers = Kind::ALL.map(|kind| Server::start(kind, folder, DEADLINE));
    let servers = servers.into_iter().collect::<Result<Vec<_>, _>>()?;
    println!("Each row: {rounds} rounds.\n");
    println!(
        "| load | server | requests/s, median | best | \
         CPU µs/request, median | minimum | relative to tokio-rustls | requests | failed |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for load in Load::ALL {
        let mut measured = vec![Measured::default(); servers.len()];
        for round in 0..rounds {
            for turn in 0..servers.len() {
                let index = (round + turn) % servers.len();
                measured[index].add(load, &servers[index])?;
            }
        }
        for measured in &mut measured {
            measured.per_second.sort_by(f64::total_cmp);
            measured.costs.sort_by(f64::total_cmp);
        }
        let [theirs, ..] = &measured[..] else {
            return Err("no server".into());
        };
        let theirs = median(&theirs.costs);
        for (kind, measured) in Kind::ALL.iter().zip(&measured) {
            let Measured {
                per_second, costs, ..
            } = measured;
            println!(
                "| {} | {} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} | {} | {} |",
                load.name(),
                kind.name(),
                median(per_second),
                per_second[rounds - 1],
                median(costs),
                costs[0],
                median(costs) / theirs,
                measured.requests,
                measured.failed,
            );
        }
    }
    println!();
    Ok(())
}

impl Measured {
    fn add(&mut self, load: Load, server: &Server) -> Result<(), BoxError> {
        let before = server.processor_time()?;
        let outcome = load.put_on(server.address())?;
        let used = server.processor_time()? - before;
        self.per_second.push(outcome.per_second);
        let cost = used.as_secs_f64() * 1e6 / outcome.requests as f64;
        self.costs.push(cost);
        self.requests += outcome.requests;
        self.failed += outcome.failed;
        Ok(())
    }
}

/// The median.
pub(crate) fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}
