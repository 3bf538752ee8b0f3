//! `include/pollback.h` is what the code says.

use std::env;
use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config, Language, Style};

/// While this environment variable is set, the header is written instead of compared.
const WRITE: &str = "POLLBACK_WRITE_HEADER";

const ABOUT: &str = "\
/* A transport of pollback for C programs that use rustls-ffi: its three callbacks over a socket
 * that never blocks, and what wakes the program when they would.
 *
 * This file is made from capi/src/lib.rs; a test fails when the two differ. */";

#[test]
fn the_header_is_what_the_code_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join("../include/pollback.h");
    let made = header(&folder.join("src/lib.rs"));
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &made).expect("the header can be written");
    }
    let there = fs::read_to_string(&path).expect("the header can be read");
    assert!(
        there == made,
        "include/pollback.h is out of date: run this test with {WRITE}=1, and look at the change"
    );
}

fn header(source: &Path) -> String {
    let config = Config {
        language: Language::C,
        style: Style::Type,
        header: Some(ABOUT.to_owned()),
        include_guard: Some("POLLBACK_H".to_owned()),
        no_includes: true,
        includes: vec!["rustls.h".to_owned()],
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        cpp_compat: true,
        usize_is_size_t: true,
        line_length: 100,
        ..Config::default()
    };
    let mut text = Vec::new();
    Builder::new()
        .with_config(config)
        .with_src(source)
        .generate()
        .expect("a header")
        .write(&mut text);
    // What Rust calls so is no heading in C.
    String::from_utf8(text)
        .expect("text")
        .replace(" * # Safety\n *\n", " * Requires:\n")
}
