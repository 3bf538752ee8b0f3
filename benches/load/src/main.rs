//! A server on pollback under load, beside the same server on tokio-rustls. Linux only.
//!
//! ```sh
//! cargo run --release --manifest-path benches/load/Cargo.toml
//! cargo run --release --manifest-path benches/load/Cargo.toml -- --only stalled --clients 1000
//! ```
//!
//! Needs `wrk` and `h2load` (on Debian: `wrk` and `nghttp2-client`). Prints tables in Markdown.
//!
//! ```sh
//! cargo build --release --features full --example proxy
//! cargo run --release --manifest-path benches/load/Cargo.toml -- --only proxies
//! ```
//!
//! compares the example proxy with haproxy and nginx, where these are installed, and counts system
//! calls where strace is. It is not a part of the run without `--only`.

mod client;
mod descriptors;
mod generator;
mod proxies;
mod reloads;
mod serve;
mod server;
mod stalled;
mod throughput;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use serve::Kind;
use server::Folder;

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(about = "Puts a server on pollback and one on tokio-rustls under load")]
struct Arguments {
    /// How often each load is put on each server.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How many clients stall.
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// How many seconds a handshake may take while clients stall.
    #[arg(long, default_value_t = 10)]
    deadline: u64,
    /// How often the configuration is replaced.
    #[arg(long, default_value_t = 1000)]
    reloads: usize,
    /// The example proxy as a program.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/examples/proxy"))]
    proxy: PathBuf,
    /// The one part to run.
    #[arg(long)]
    only: Option<Part>,
    #[command(subcommand)]
    process: Option<Process>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Throughput,
    Stalled,
    Reloads,
    /// The example proxy beside haproxy and nginx.
    Proxies,
}

/// What a process of its own does.
#[derive(Subcommand)]
enum Process {
    /// Serves, as long as its input is open.
    #[command(hide = true)]
    Serve {
        kind: Kind,
        folder: PathBuf,
        deadline: u64,
    },
}

fn main() -> Result<(), BoxError> {
    let arguments = Arguments::parse();
    let available = descriptors::raise()?;
    if let Some(Process::Serve {
        kind,
        folder,
        deadline,
    }) = arguments.process
    {
        return serve::run(kind, &folder, Duration::from_secs(deadline));
    }
    let has = |part| arguments.only.is_none_or(|only| only == part);
    let folder = Folder::new()?;
    if arguments.only == Some(Part::Proxies) {
        return proxies::run(&folder, &arguments.proxy, arguments.rounds);
    }
    if has(Part::Throughput) || has(Part::Reloads) {
        generator::announce()?;
    }
    if has(Part::Throughput) {
        throughput::run(&folder, arguments.rounds)?;
    }
    if has(Part::Stalled) {
        let clients = arguments.clients.min(available);
        if clients < arguments.clients {
            println!("No more than {clients} clients: there are no more file descriptors.\n");
        }
        stalled::run(&folder, clients, Duration::from_secs(arguments.deadline))?;
    }
    if has(Part::Reloads) {
        reloads::run(&folder, arguments.reloads)?;
    }
    Ok(())
}
