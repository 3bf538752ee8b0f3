//! External programs that some tests run against.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

/// If this environment variable is set, a test whose program is missing fails instead of being
/// skipped.
pub const REQUIRE: &str = "POLLBACK_REQUIRE_PROGRAMS";

/// Looks for a program in `PATH`.
///
/// A test that gets `None` returns at once: the reason has been printed.
///
/// # Panics
///
/// If the program is missing and [`REQUIRE`] is set.
pub fn find(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let found = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path)
            .map(|dir| dir.join(&file))
            .find(|f| f.is_file())
    });
    if found.is_none() {
        assert!(
            env::var_os(REQUIRE).is_none(),
            "{name} is not installed, and {REQUIRE} is set"
        );
        // Not printed by a macro, since the test harness captures that output and shows it only for
        // failed tests.
        let said = writeln!(io::stderr(), "skipped: {name} is not installed");
        said.expect("stderr can be written");
    }
    found
}
