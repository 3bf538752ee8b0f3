//! Runs random plans, each made from a seed of its own, until the time or the count is reached:
//!
//! ```text
//! cargo bench --features full --bench plans -- --count 100000 --seconds 60 --seed 0
//! ```
//!
//! A plan that fails is printed with its seed, and shrunk to a case that runs alone:
//!
//! ```text
//! POLLBACK_CASE='scenario=… client=Ours …' cargo test --features full --test faults replay
//! ```

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

// Of what the programs share, each uses a part.
#[cfg(feature = "next")]
#[allow(dead_code, unused_imports)]
#[path = "../tests/faults/../next/engine.rs"]
mod next_engine;
#[allow(dead_code, unused_imports)]
#[path = "../tests/faults/rig/mod.rs"]
mod rig;

use rig::Search;

struct Options {
    count: u64,
    time: Duration,
    seed: u64,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}; known are --count, --seconds and --seed, each with a number");
            return ExitCode::FAILURE;
        }
    };
    let start = Instant::now();
    let search = Search::default();
    let (mut plans, mut failures) = (0, 0);
    while plans < options.count && start.elapsed() < options.time {
        if let Err(failure) = search.run(options.seed + plans) {
            failures += 1;
            println!("{failure}");
        }
        plans += 1;
    }
    println!(
        "{plans} plans from seed {} on in {:.1?}, {failures} failures",
        options.seed,
        start.elapsed()
    );
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        count: 100_000,
        time: Duration::from_secs(60),
        seed: 0,
    };
    // cargo adds `--bench`.
    let mut words = env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
        let number: u64 = value
            .parse()
            .map_err(|_| format!("{value:?} is not a number"))?;
        match word.as_str() {
            "--count" => options.count = number,
            "--seconds" => options.time = Duration::from_secs(number),
            "--seed" => options.seed = number,
            _ => return Err(format!("{word:?} is not known")),
        }
    }
    Ok(options)
}
