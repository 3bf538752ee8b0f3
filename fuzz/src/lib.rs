//! Hands the bodies of the fuzz targets to libFuzzer. The tests of pollback run the same bodies.

#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;

use targets::TARGETS;

/// The names of the targets.
pub fn targets() -> impl Iterator<Item = &'static str> {
    TARGETS.iter().map(|(name, _)| *name)
}

/// Runs one input through a target.
///
/// # Panics
///
/// When the input breaks something, or there is no such target.
pub fn run(target: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, body) = found.expect("a target of this name");
    body(input);
}

/// The recorded connections of a target, with their names.
pub fn seeds(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    targets::seeds(target)
}
