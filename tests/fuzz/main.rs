//! Runs the fuzz targets of `fuzz/` on stored inputs, and on a bounded number of generated ones.

mod generator;
mod targets;

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use generator::Generator;
use targets::{TARGETS, Target};

/// How many inputs are generated for each target, unless `POLLBACK_INPUTS` is set.
const GENERATED: usize = 250;

fn generated() -> usize {
    match env::var("POLLBACK_INPUTS") {
        Ok(count) => count.parse().expect("a number of inputs"),
        Err(_) => GENERATED,
    }
}

/// The stored inputs for a target, with their names: seeds, and inputs that have failed once.
fn kept(target: &Target) -> Vec<(String, Vec<u8>)> {
    // A target for two engines has the same inputs for both.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target.name.trim_end_matches("-next"));
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut kept: Vec<_> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let bytes = fs::read(&path).expect("a readable file");
            (path.display().to_string(), bytes)
        })
        .collect();
    kept.sort();
    kept
}

/// Runs one input, and prints it if it fails. Returns whether it had a clean end.
fn run(target: &Target, name: &str, input: &[u8]) -> bool {
    let run = AssertUnwindSafe(|| (target.body)(input));
    catch_unwind(run).unwrap_or_else(|panic| {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{} failed on {name}:\n{hex}", target.name);
        resume_unwind(panic)
    })
}

#[test]
fn kept_inputs() {
    for target in TARGETS {
        let kept = kept(target);
        assert!(!kept.is_empty(), "no inputs are stored for {}", target.name);
        for (name, input) in kept {
            run(target, &name, &input);
        }
    }
}

#[test]
fn recorded_connections() {
    for target in TARGETS {
        for (name, input) in (target.seeds)() {
            let is_clean = run(target, name, &input);
            assert!(is_clean, "{}: {name} does not succeed", target.name);
        }
    }
}

#[test]
fn generated_inputs() {
    for target in TARGETS {
        let mut parents: Vec<_> = kept(target).into_iter().map(|(_, input)| input).collect();
        parents.extend((target.seeds)().into_iter().map(|(_, input)| input));
        let mut generator = Generator::new(parents);
        for number in 0..generated() {
            run(target, &format!("number {number}"), &generator.next());
        }
    }
}
