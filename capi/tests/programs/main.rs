//! C programs, built with gcc, and run as they are, under valgrind and under sanitizers.

#![cfg(unix)]

mod build;
mod checks;
mod client;
mod server;
mod upstream;

use std::fs;
use std::path::{Path, PathBuf};

/// What the example programs share.
const DRIVE: &str = "../examples/c/drive.c";

/// Writes a file into the folder of the test.
fn write_file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the file can be written");
    path
}
