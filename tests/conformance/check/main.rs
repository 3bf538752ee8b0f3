//! Runs the protocol tests of BoringSSL on plain rustls, and then on pollback with every back end
//! of the shim, and requires the same result of each test, for rustls 0.23 and for 0.24. Permitted
//! differences are in `differences.toml`, with the reason.
//!
//! ```text
//! check RUNNER FOLDER [--every COUNT] [RUN...]
//! ```
//!
//! `RUNNER` is the runner of BoringSSL; its reports and its output are written to `FOLDER`. With
//! `--every` only plain rustls and the first run perform all tests, and each of the others performs
//! one in `COUNT`: a different selection in each run, but always the same. A `RUN` is a back end,
//! or a back end and a variant: `acceptor/bytewise`. By default all runs are performed.

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

/// The plain back ends, each with the runs that are compared with it.
const MEASURES: [(&str, &[Run]); 2] = [
    (
        "plain",
        &[
            Run::of_both("acceptor"),
            Run::of_both("acceptor/bytewise"),
            Run::of_both("acceptor/buffered"),
            Run::of_both("acceptor/dropped"),
            Run::of_both("acceptor/batches"),
            Run::of_both("acceptor/split"),
            Run::of_servers("lazy"),
            Run::of_servers("lazy/bytewise"),
            Run::of_servers("lazy/buffered"),
            Run::of_servers("lazy/dropped"),
            Run::of_servers("hello"),
            Run::of_servers("hello/bytewise"),
            Run::of_servers("hello/buffered"),
            Run::of_servers("hello/dropped"),
            Run::of_servers("listener"),
            Run::of_servers("listener/bytewise"),
            Run::of_servers("listener/buffered"),
            Run::of_servers("listener/dropped"),
        ],
    ),
    (
        "plain-next",
        &[
            Run::of_both("next"),
            Run::of_both("next/bytewise"),
            Run::of_both("next/buffered"),
            Run::of_both("next/dropped"),
            Run::of_both("next/batches"),
            Run::of_both("next/split"),
            Run::of_both("next/halves"),
            Run::of_servers("next-lazy"),
            Run::of_servers("next-lazy/bytewise"),
            Run::of_servers("next-lazy/buffered"),
            Run::of_servers("next-lazy/dropped"),
        ],
    ),
];

/// A back end, or a back end and a variant.
struct Run {
    name: &'static str,
    /// Whether the back end is only for servers.
    only_servers: bool,
}

impl Run {
    const fn of_both(name: &'static str) -> Self {
        Self {
            name,
            only_servers: false,
        }
    }

    const fn of_servers(name: &'static str) -> Self {
        Self {
            name,
            only_servers: true,
        }
    }
}

struct Arguments {
    runner: PathBuf,
    folder: PathBuf,
    every: u64,
    /// The selected runs; all if this is empty.
    runs: Vec<String>,
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

/// Returns whether all results are as expected.
fn check() -> Result<bool, Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let differences = Differences::read(&here.join("differences.toml"))?;
    for name in differences.runs() {
        if !runs().any(|run| covers(name, run)) {
            return Err(format!("differences.toml: there is no run {name}").into());
        }
    }
    let runner = Runner {
        program: arguments.runner.clone(),
        shim: std::env::current_exe()?.with_file_name("shim"),
        config: here.join("runner.json"),
        folder: arguments.folder.clone(),
    };

    let (mut passed, mut complaints) = (0, Vec::new());
    for (measure, runs) in MEASURES {
        if !runs.iter().any(|run| arguments.wants(run.name)) {
            continue;
        }
        let plain = runner.run(measure, None)?;
        println!("{measure}: {}", plain.summary());
        let names: Vec<_> = runs.iter().map(|run| run.name).collect();
        complaints.extend(differences.check_plain(measure, &names, &plain));
        for (position, run) in runs.iter().enumerate() {
            if !arguments.wants(run.name) {
                continue;
            }
            let is_first = run.name == MEASURES[0].1[0].name;
            let every = if is_first { 1 } else { arguments.every };
            let chosen: BTreeSet<_> = plain
                .implemented()
                .filter(|test| hash(test) % every == position as u64 % every)
                .collect();
            let report = runner.run(run.name, Some(&chosen))?;
            let judgement = judge(
                &differences,
                run.name,
                run.only_servers,
                &chosen,
                &plain,
                &report,
            );
            println!("{}: {}", run.name, judgement.summary());
            passed += judgement.as_plain + judgement.as_listed;
            complaints.extend(judgement.complaints);
        }
    }
    for complaint in &complaints {
        println!("\n{complaint}");
    }
    println!("\n{passed} passed, {} failed", complaints.len());
    Ok(complaints.is_empty())
}

/// The names of all runs.
fn runs() -> impl Iterator<Item = &'static str> {
    let runs = MEASURES.iter().flat_map(|(_, runs)| *runs);
    runs.map(|run| run.name)
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
            if !runs().any(|name| name == word) {
                return Err(format!("there is no run {word}").into());
            }
            arguments.runs.push(word);
        }
        Ok(arguments)
    }

    fn wants(&self, run: &str) -> bool {
        self.runs.is_empty() || self.runs.iter().any(|name| name == run)
    }
}

/// FNV-1a: the same on every machine and with every version of the standard library.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
