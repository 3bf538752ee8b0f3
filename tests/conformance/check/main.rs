//! Runs the protocol tests of BoringSSL on plain rustls, and then on pollback in every way that the
//! shim knows, and demands the same result of each test. What may differ stands in
//! `differences.toml`, with the reason.
//!
//! ```text
//! check RUNNER FOLDER [--every COUNT] [RUN...]
//! ```
//!
//! `RUNNER` is the runner of BoringSSL; its reports and what it prints go into `FOLDER`. With
//! `--every` only the run that comes first does all tests, and each other one in `COUNT` of them: always
//! the same, and others in each run. A `RUN` is a back end, or a back end and a variant:
//! `acceptor/bytewise`. Without any, all are done.

mod judge;
mod list;
mod run;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use judge::judge;
use list::{Differences, covers};
use run::Runner;

/// Every run, and whether its back end is only for servers. The first one goes over all tests.
const RUNS: [(&str, bool); 18] = [
    ("acceptor", false),
    ("acceptor/bytewise", false),
    ("acceptor/buffered", false),
    ("acceptor/dropped", false),
    ("acceptor/batches", false),
    ("acceptor/split", false),
    ("lazy", true),
    ("lazy/bytewise", true),
    ("lazy/buffered", true),
    ("lazy/dropped", true),
    ("hello", true),
    ("hello/bytewise", true),
    ("hello/buffered", true),
    ("hello/dropped", true),
    ("listener", true),
    ("listener/bytewise", true),
    ("listener/buffered", true),
    ("listener/dropped", true),
];

struct Arguments {
    runner: PathBuf,
    folder: PathBuf,
    every: u64,
    /// Their positions in `RUNS`.
    runs: Vec<usize>,
}

fn main() -> ExitCode {
    match check() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is as it should be.
fn check() -> Result<bool, Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let differences = Differences::read(&here.join("differences.toml"))?;
    for name in differences.runs() {
        if !RUNS.iter().any(|(run, _)| covers(name, run)) {
            return Err(format!("differences.toml: there is no run {name}").into());
        }
    }
    let runner = Runner {
        program: arguments.runner,
        shim: std::env::current_exe()?.with_file_name("shim"),
        config: here.join("runner.json"),
        folder: arguments.folder,
    };

    let plain = runner.run("plain", None)?;
    let mut complaints = differences.check_plain(&plain);
    println!("plain: {}", plain.summary());
    let mut as_plain = 0;
    for position in arguments.runs {
        let (name, only_servers) = RUNS[position];
        let every = if position == 0 { 1 } else { arguments.every };
        let chosen: BTreeSet<_> = plain
            .implemented()
            .filter(|test| hash(test) % every == position as u64 % every)
            .collect();
        let report = runner.run(name, Some(&chosen))?;
        let judgement = judge(&differences, name, only_servers, &chosen, &plain, &report);
        println!("{name}: {}", judgement.summary());
        as_plain += judgement.as_plain + judgement.as_listed;
        complaints.extend(judgement.complaints);
    }
    for complaint in &complaints {
        println!("\n{complaint}");
    }
    println!("\n{as_plain} passed, {} failed", complaints.len());
    Ok(complaints.is_empty())
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        const USAGE: &str = "usage: check RUNNER FOLDER [--every COUNT] [RUN...]";
        let (Some(runner), Some(folder)) = (words.next(), words.next()) else {
            return Err(USAGE.into());
        };
        let mut arguments = Self {
            runner: runner.into(),
            folder: folder.into(),
            every: 1,
            runs: Vec::new(),
        };
        while let Some(word) = words.next() {
            if word == "--every" {
                arguments.every = words.next().ok_or(USAGE)?.parse::<u64>()?.max(1);
                continue;
            }
            let position = RUNS.iter().position(|(name, _)| *name == word);
            let position = position.ok_or_else(|| format!("there is no run {word}"))?;
            arguments.runs.push(position);
        }
        if arguments.runs.is_empty() {
            arguments.runs = (0..RUNS.len()).collect();
        }
        Ok(arguments)
    }
}

/// FNV-1a: the same on every machine and with every version of the standard library.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
