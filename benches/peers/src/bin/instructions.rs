//! Counts the instructions that each peer needs, over pipes in memory, with valgrind.
//!
//! The work is done with a number of units and with twice as many, and the difference is printed,
//! so that startup is not counted. valgrind emulates an older processor, for which ciphers use
//! other code; this is the same for all peers.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};
use pollback_peers::contenders::{self, BASELINE, CONTENDERS};
use pollback_peers::work::{ROWS, Row, Sockets, Threads, Work};
use serde::Serialize;

/// The instructions that each peer needs for the same work.
#[derive(Parser)]
struct Options {
    /// Run only this row; may be given more than once
    #[arg(long, value_name = "ROW", value_parser = names())]
    only: Vec<String>,
    /// The folder for the CSV file
    #[arg(long, value_name = "DIR", default_value = "target/peers")]
    out: PathBuf,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Do the work once, under valgrind
    Run {
        row: String,
        peer: String,
        units: usize,
    },
}

/// valgrind counts the one instruction that copies a large block once for each byte.
const COPY_IN_LOOPS: &str =
    "glibc.cpu.x86_rep_movsb_threshold=0x10000000:glibc.cpu.x86_rep_stosb_threshold=0x10000000";

/// A line of `instructions.csv`.
#[derive(Serialize)]
struct Figures {
    row: &'static str,
    peer: &'static str,
    unit: &'static str,
    instructions: u64,
    ratio: f64,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    match &options.task {
        Some(Task::Run { row, peer, units }) => {
            let row = Row::named(row).ok_or("no such row")?;
            let contender = contenders::named(peer).ok_or("no such peer")?;
            Ok(contender.workload.in_memory(row, *units)?)
        }
        None => compare(options),
    }
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(&options.out)?;
    let mut file = csv::Writer::from_path(options.out.join("instructions.csv"))?;
    let asked = |row: &&Row| options.only.is_empty() || options.only.contains(&row.name.to_owned());
    for row in rows().filter(asked) {
        println!("\n{}, instructions per {}", row.title, row.unit.name());
        let mut needed = HashMap::new();
        for contender in CONTENDERS {
            needed.insert(contender.name, instructions(row, contender.name)?);
        }
        for contender in CONTENDERS {
            let instructions = needed[contender.name];
            let ratio = instructions as f64 / needed[BASELINE] as f64;
            println!("  {:20} {instructions:12} {ratio:6.3}", contender.name);
            file.serialize(Figures {
                row: row.name,
                peer: contender.name,
                unit: row.unit.name(),
                instructions,
                ratio,
            })?;
        }
    }
    file.flush()?;
    Ok(())
}

/// The rows, except those that differ from others only in their threads or sockets.
fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
        .filter(|row| row.threads == Threads::One && row.sockets == Sockets::NoDelay)
}

fn names() -> Vec<&'static str> {
    rows().map(|row| row.name).collect()
}

fn instructions(row: &Row, peer: &str) -> Result<u64, Box<dyn Error>> {
    // Enough to make differences between runs negligible, such as those of the random number
    // generator.
    let units = match row.work {
        Work::Bulk { .. } => 16,
        Work::RoundTrips(size) if size > 1024 => 500,
        Work::RoundTrips(_) => 10_000,
        Work::Writes | Work::VectoredWrites(_) | Work::Handshake => 100,
    };
    let (once, twice) = (collect(row, peer, units)?, collect(row, peer, 2 * units)?);
    Ok(twice.saturating_sub(once) / units as u64)
}

/// The instructions of a whole run.
fn collect(row: &Row, peer: &str, units: usize) -> Result<u64, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .env("GLIBC_TUNABLES", COPY_IN_LOOPS)
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["run", row.name, peer, &units.to_string()])
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.split("Collected :").nth(1);
    let number = collected.and_then(|rest| rest.split_whitespace().next());
    match number {
        Some(number) if output.status.success() => Ok(number.parse()?),
        _ => Err(format!("valgrind has failed:\n{text}").into()),
    }
}
