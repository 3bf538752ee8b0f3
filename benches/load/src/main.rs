//! Compares servers under load on pollback and on tokio-rustls. Linux only.
//!
//! ```sh
//! cargo run --release --manifest-path benches/load/Cargo.toml
//! cargo run --release --manifest-path benches/load/Cargo.toml -- --only stalled --clients 1000
//! ```
//!
//! Prints tables in Markdown. Requests and reloads need `wrk` and `h2load` (on Debian: `wrk` and
//! `nghttp2-client`), and are skipped without these.
//!
//! ```sh
//! cargo build --release --features full --example proxy
//! cargo run --release --manifest-path benches/load/Cargo.toml -- --only proxies
//! ```
//!
//! compares the example proxy with haproxy and nginx if these are installed, and counts system
//! calls if strace is. `--only flood` measures established connections under a flood of handshakes,
//! through these and other relays; `--only relays` tests the example proxy with many connections
//! and with failing backends. None of the three runs without `--only`.

mod client;
mod descriptors;
mod failing;
mod flood;
mod generator;
mod proxies;
mod relays;
mod reloads;
mod serve;
mod server;
mod stalled;
mod throughput;
mod usage;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use serve::Kind;
use server::Folder;

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "Puts a server on pollback and one on tokio-rustls under load")]
struct Arguments {
    /// How often each load is run against each server.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How many clients stall.
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// The handshake timeout in seconds while clients stall.
    #[arg(long, default_value_t = 10)]
    deadline: u64,
    /// How often the configuration is replaced.
    #[arg(long, default_value_t = 1000)]
    reloads: usize,
    /// The binary of the example proxy.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/examples/proxy"))]
    proxy: PathBuf,
    /// Runs only the work of the proxies, and only the relays of the flood, whose name contains these
    /// words.
    #[arg(long, default_value = "")]
    work: String,
    /// The only part to run.
    #[arg(long)]
    only: Option<Part>,
    #[command(subcommand)]
    process: Option<Process>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Throughput,
    Stalled,
    /// Clients that send plain HTTP.
    Failing,
    Reloads,
    /// The example proxy in comparison with haproxy and nginx.
    Proxies,
    /// Established connections under a flood of handshakes, through several relays.
    Flood,
    /// The example proxy with many connections, and with failing backends.
    Relays,
}

/// The role of a child process.
#[derive(Subcommand)]
enum Process {
    /// Serves until its input is closed.
    #[command(hide = true)]
    Serve {
        kind: Kind,
        folder: PathBuf,
        deadline: u64,
    },
    /// Relays until its input is closed.
    #[command(hide = true)]
    Relay {
        kind: flood::Kind,
        folder: PathBuf,
        to: SocketAddr,
        workers: usize,
    },
}

fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let available = descriptors::raise()?;
    match arguments.process {
        Some(Process::Serve {
            kind,
            folder,
            deadline,
        }) => return serve::run(kind, &folder, Duration::from_secs(deadline)),
        Some(Process::Relay {
            kind,
            folder,
            to,
            workers,
        }) => return flood::serve(kind, &folder, to, workers),
        None => {}
    }
    let has = |part| arguments.only.is_none_or(|only| only == part);
    let folder = Folder::new()?;
    match arguments.only {
        Some(Part::Proxies) => {
            let (own, work) = (&arguments.proxy, &arguments.work);
            return proxies::run(&folder, own, arguments.rounds, work);
        }
        Some(Part::Relays) => {
            let clients = arguments.clients.min(available / 2);
            return relays::run(&folder, &arguments.proxy, clients, arguments.reloads);
        }
        Some(Part::Flood) => {
            let (own, words) = (&arguments.proxy, &arguments.work);
            return flood::run(&folder, own, arguments.rounds, words);
        }
        _ => {}
    }
    let mut has_generators = false;
    if has(Part::Throughput) || has(Part::Reloads) {
        has_generators = generator::announce();
        if !has_generators {
            println!("Skipping requests and reloads, which need both programs.\n");
        }
    }
    if has(Part::Throughput) && has_generators {
        throughput::run(&folder, arguments.rounds)?;
    }
    if has(Part::Stalled) {
        let clients = arguments.clients.min(available);
        if clients < arguments.clients {
            println!("Limited to {clients} clients by the number of file descriptors.\n");
        }
        stalled::run(&folder, clients, Duration::from_secs(arguments.deadline))?;
    }
    if has(Part::Failing) {
        failing::run(&folder, arguments.rounds, available)?;
    }
    if has(Part::Reloads) && has_generators {
        reloads::run(&folder, arguments.reloads)?;
    }
    Ok(())
}
