//! C programs, built with gcc, and run on their own, under valgrind and with sanitizers.

#![cfg(unix)]

mod build;
mod checks;
mod client;
mod server;
mod upstream;

use std::fs;
use std::path::{Path, PathBuf};

/// Shared by the example programs.
const DRIVE: &str = "../examples/c/drive.c";

/// Writes a file into the folder of the test.
fn write_file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the file can be written");
    path
}
