//! Runs the fuzz targets of `fuzz/` over the inputs that are kept, and over a bounded number of
//! generated ones.

mod generator;
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use generator::Generator;
use targets::{TARGETS, seeds};

/// How many inputs are generated for each target.
const GENERATED: usize = 250;

/// The inputs that are kept for a target, with their names: seeds, and whatever failed once.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    // One target over two engines has the same inputs for both.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target.trim_end_matches("-next"));
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

/// Runs one input, and shows it if it fails.
fn run(body: fn(&[u8]), name: &str, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("failed on {name}:\n{hex}");
        resume_unwind(panic);
    }
}

#[test]
fn kept_inputs() {
    for (target, body) in TARGETS {
        let kept = kept(target);
        assert!(!kept.is_empty(), "no inputs are kept for {target}");
        for (name, input) in kept {
            run(*body, &name, &input);
        }
    }
}

#[test]
fn recorded_connections() {
    for (target, body) in TARGETS {
        for (name, input) in seeds(target) {
            run(*body, &format!("{target}, {name}"), &input);
        }
    }
}

#[test]
fn generated_inputs() {
    for (target, body) in TARGETS {
        let mut parents: Vec<_> = kept(target).into_iter().map(|(_, input)| input).collect();
        parents.extend(seeds(target).into_iter().map(|(_, input)| input));
        let mut generator = Generator::new(parents);
        for number in 0..GENERATED {
            run(
                *body,
                &format!("{target}, number {number}"),
                &generator.next(),
            );
        }
    }
}
