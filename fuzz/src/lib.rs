//! Passes the bodies of the fuzz targets to libFuzzer. The tests of pollback run the same bodies.

#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;

use targets::{TARGETS, Target};

/// The names of the targets.
pub fn targets() -> impl Iterator<Item = &'static str> {
    TARGETS.iter().map(|target| target.name)
}

/// Runs one input through a target.
///
/// # Panics
///
/// If the input breaks something, or there is no such target.
pub fn run(name: &str, input: &[u8]) {
    (named(name).body)(input);
}

/// The recorded connections of a target, with their names.
///
/// # Panics
///
/// If there is no such target.
pub fn seeds(name: &str) -> Vec<(&'static str, Vec<u8>)> {
    (named(name).seeds)()
}

fn named(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.expect("a target of this name")
}
