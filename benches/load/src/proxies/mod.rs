//! The example proxy in comparison with haproxy and nginx: the cost of the same work in each.

mod backend;
mod configuration;
pub(crate) mod peer;
pub(crate) mod program;
mod work;

use std::path::Path;

use crate::BoxError;
use crate::client::Client;
use crate::server::Folder;
use backend::Backend;
use program::{PROGRAMS, Program, Proxy};
use work::{IDLE, WORKS};

/// Measures each installed proxy, `rounds` times in turns, and prints which are missing. `own` is
/// the binary of the example proxy; `words` selects the work.
pub(crate) fn run(folder: &Folder, own: &Path, rounds: usize, words: &str) -> Result<(), BoxError> {
    let backend = Backend::start()?;
    let client = Client::new();
    let mut programs = Vec::new();
    for program in PROGRAMS {
        match program.missing(own, folder) {
            None => programs.push(program),
            Some(reason) => println!("Without {}: {reason}.\n", program.name()),
        }
    }
    let has_strace = program::find("strace").is_some();
    if !has_strace {
        println!("Without system calls: strace is not installed.\n");
    }
    println!("Processor time of the proxy alone, on one worker: minimum of {rounds} rounds.\n");
    println!(
        "| work | proxy | µs | median | relative to the better of the others, minimum | median | \
         system calls |"
    );
    println!("|---|---|---|---|---|---|---|");
    for work in WORKS.iter().filter(|work| work.name.contains(words)) {
        let mut times = vec![Vec::new(); programs.len()];
        let mut calls = vec![None; programs.len()];
        for _ in 0..rounds {
            for (index, program) in programs.iter().enumerate() {
                let proxy = Proxy::start(*program, own, folder, backend.address, 1)?;
                // The first run is more expensive.
                work.once(&client, &proxy)?;
                let before = proxy.processor_time()?;
                work.run(&client, &proxy)?;
                times[index].push(proxy.processor_time()? - before);
                if has_strace && calls[index].is_none() {
                    calls[index] = Some(proxy.calls(|| work.run(&client, &proxy))?);
                }
            }
        }
        let per = |micros: u128| micros as f64 / work.units as f64;
        let times = times.iter_mut().map(|times| {
            times.sort_unstable();
            let [least, median] = [times[0], times[times.len() / 2]];
            [per(least.as_micros()), per(median.as_micros())]
        });
        let times: Vec<_> = times.collect();
        for (index, program) in programs.iter().enumerate() {
            let [least, median] = times[index];
            let others = (0..times.len()).filter(|other| programs[*other] != Program::Own);
            let beside = |which: usize| {
                let best = others.clone().map(|other| times[other][which]);
                times[index][which] / best.fold(f64::INFINITY, f64::min)
            };
            let (beside_least, beside_median) = (beside(0), beside(1));
            let (work, unit, name) = (work.name, work.unit, program.name());
            let calls = match calls[index] {
                Some(calls) => format!("{:.1}", per(calls)),
                None => "unknown".to_owned(),
            };
            println!(
                "| {work}, a {unit} | {name} | {least:.1} | {median:.1} | {beside_least:.2} | \
                 {beside_median:.2} | {calls} |"
            );
        }
    }
    println!("\n| idle connections | proxy | bytes each |\n|---|---|---|");
    for idle in IDLE.iter().filter(|idle| idle.name.contains(words)) {
        for program in &programs {
            let proxy = Proxy::start(*program, own, folder, backend.address, 1)?;
            let bytes = idle.memory(&client, &proxy)?;
            println!("| {} | {} | {bytes} |", idle.name, program.name());
        }
    }
    println!();
    Ok(())
}
