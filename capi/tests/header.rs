//! Checks that `include/pollback.h` matches the code, and that its documentation is complete.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config, Language, Style};

/// If this environment variable is set, the header is written instead of compared.
const WRITE: &str = "POLLBACK_WRITE_HEADER";

/// The headers that `rustls.h` includes.
const SYSTEM: [&str; 5] = ["stdarg", "stdbool", "stddef", "stdint", "stdlib"];

const RUSTLS: &str = "
#ifdef __cplusplus
/* rustls.h is not written for C++, and is valid C++ only in the form that it has for C23. The
 * headers that it includes are included above. */
extern \"C\" {
#pragma push_macro(\"__STDC_VERSION__\")
#undef __STDC_VERSION__
#define __STDC_VERSION__ 202311L
#include \"rustls.h\"
#pragma pop_macro(\"__STDC_VERSION__\")
}
#else
#include \"rustls.h\"
#endif";

/// The sections that the documentation of every function has.
const SECTIONS: [&str; 5] = ["Errors", "Threads", "Ownership", "Blocking", "Requires"];

#[test]
fn the_header_matches_the_code() {
    let path = folder().join("../include/pollback.h");
    let made = header();
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &made).expect("the header can be written");
    }
    let there = fs::read_to_string(&path).expect("the header can be read");
    assert!(
        there == made,
        "include/pollback.h is out of date: run this test with {WRITE}=1, and review the change"
    );
}

#[test]
fn every_function_documents_what_its_caller_needs_to_know() {
    let header = header();
    let functions: Vec<_> = header
        .split("\n/**\n")
        .filter(|item| is_function(item))
        .collect();
    assert_eq!(functions.len(), 9);
    for function in functions {
        for section in SECTIONS {
            assert!(
                function.contains(&format!("\n * {section}:\n")),
                "without {section}: {function}"
            );
        }
    }
}

#[test]
fn every_code_is_in_the_table_and_is_seen_by_a_c_program() {
    let header = header();
    let table: Vec<_> = header
        .lines()
        .filter_map(|line| line.strip_prefix(" * | E"))
        .map(|row| format!("E{}", row.split_whitespace().next().expect("a code")))
        .collect();
    let programs = ["checks.c", "processes.c"].map(|name| read(&folder().join("tests").join(name)));
    for code in &table {
        // A bug in the library cannot be provoked.
        let seen = programs.iter().any(|program| program.contains(code));
        assert!(seen || code == "EIO", "no C program sees {code}");
    }
    let words = header.split(|letter: char| !letter.is_ascii_alphanumeric());
    let codes = words.filter(|word| {
        word.len() > 2
            && word.starts_with('E')
            && word.chars().all(|letter| letter.is_ascii_uppercase())
    });
    for code in codes {
        assert!(
            table.iter().any(|row| row == code),
            "{code} is not in the table"
        );
    }
}

fn is_function(item: &str) -> bool {
    item.contains(" */\n") && item.trim_end().contains(");") && !item.contains("typedef")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("the file can be read")
}

fn header() -> String {
    let config = Config {
        language: Language::C,
        style: Style::Type,
        header: Some(about()),
        include_guard: Some("POLLBACK_H".to_owned()),
        no_includes: true,
        sys_includes: SYSTEM.map(|name| format!("{name}.h")).to_vec(),
        after_includes: Some(RUSTLS.to_owned()),
        cpp_compat: true,
        usize_is_size_t: true,
        line_length: 100,
        ..Config::default()
    };
    let mut text = Vec::new();
    Builder::new()
        .with_config(config)
        .with_src(folder().join("src/lib.rs"))
        .generate()
        .expect("a header")
        .write(&mut text);
    let text = String::from_utf8(text).expect("text");
    // The heading that Rust uses for this is not one for C.
    for_c(&text.replace(" * # Safety\n", " * # Requires\n"))
}

/// The comment at the top of the header: the documentation of the crate.
fn about() -> String {
    let source = read(&folder().join("src/lib.rs"));
    let mut lines = vec!["/**".to_owned()];
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        lines.push(format!(" *{line}"));
    }
    lines.push(" *".to_owned());
    lines.push(
        " * This file is generated from capi/src; a test fails when the two differ.".to_owned(),
    );
    lines.push(" */".to_owned());
    lines.join("\n")
}

/// Turns headings into plain text.
fn for_c(text: &str) -> String {
    let mut lines = Vec::new();
    let mut rest = text.lines();
    while let Some(line) = rest.next() {
        match line.strip_prefix(" * # ") {
            Some(heading) => {
                lines.push(format!(" * {heading}:"));
                // The empty line below the heading.
                rest.next();
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.push(String::new());
    lines.join("\n")
}
