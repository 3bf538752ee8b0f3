//! The example proxy beside haproxy and nginx: the same work, and what it costs each of them.

mod backend;
mod peer;
mod program;
mod work;

use std::path::Path;

use crate::BoxError;
use crate::client::Client;
use crate::server::Folder;
use backend::Backend;
use program::{PROGRAMS, Proxy};
use work::{IDLE, WORKS};

/// Measures each proxy that is installed, `rounds` times in turns, and says which are not.
/// `own` is the example proxy as a program.
pub(crate) fn run(folder: &Folder, own: &Path, rounds: usize) -> Result<(), BoxError> {
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
    println!("| work | proxy | processor time, least | median | system calls |");
    println!("|---|---|---|---|---|");
    for work in WORKS {
        let mut times = vec![Vec::new(); programs.len()];
        let mut calls = vec![None; programs.len()];
        for _ in 0..rounds {
            for (index, program) in programs.iter().enumerate() {
                let proxy = Proxy::start(*program, own, folder, backend.address)?;
                // What is done for the first time costs more.
                work.once(&client, &proxy)?;
                let before = proxy.processor_time()?;
                work.run(&client, &proxy)?;
                times[index].push(proxy.processor_time()? - before);
                if has_strace && calls[index].is_none() {
                    calls[index] = Some(proxy.calls(|| work.run(&client, &proxy))?);
                }
            }
        }
        for (index, program) in programs.iter().enumerate() {
            let times = &mut times[index];
            times.sort_unstable();
            let per = |micros: u128| micros as f64 / work.units as f64;
            let least = per(times[0].as_micros());
            let median = per(times[times.len() / 2].as_micros());
            let (work, unit, name) = (work.name, work.unit, program.name());
            let calls = match calls[index] {
                Some(calls) => format!("{:.1}", per(calls)),
                None => "not known".to_owned(),
            };
            println!("| {work} | {name} | {least:.1} µs a {unit} | {median:.1} | {calls} |");
        }
    }
    println!("\n| idle connections | proxy | bytes each |\n|---|---|---|");
    for idle in IDLE {
        for program in &programs {
            let proxy = Proxy::start(*program, own, folder, backend.address)?;
            let bytes = idle.memory(&client, &proxy)?;
            println!("| {} | {} | {bytes} |", idle.name, program.name());
        }
    }
    println!();
    Ok(())
}
