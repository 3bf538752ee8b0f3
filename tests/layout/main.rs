//! The layout of the sources: which module may import which, and what a file may contain.
//!
//! The rules are tables in `rules.rs`. Every rule is also applied to a small sample that violates
//! it, so a rule that no longer finds anything fails here.

mod rules;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use rules::{LAYERS, LINES, check_length, check_source};
use source::File;

/// All Rust files below `folder`, with their paths relative to the crate, sorted.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root.join(folder), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let relative = path.strip_prefix(root).unwrap();
            (relative.to_str().unwrap().replace('\\', "/"), text)
        })
        .collect()
}

/// The names under which our dependencies can be imported, read from the manifest.
fn dependencies() -> Vec<String> {
    let manifest = include_str!("../../Cargo.toml");
    let mut found = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            inside = header == "dependencies"
                || header.starts_with("target.") && header.ends_with(".dependencies");
        } else if inside && let Some((name, _)) = line.split_once('=') {
            found.push(name.trim().replace('-', "_"));
        }
    }
    found
}

/// What is wrong with one file, given as its path and its text.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let dependencies = ["tokio", "rustls", "rustix"].map(String::from);
    check_source(&File::parse(path, text, &dependencies))
}

#[test]
fn the_sources_follow_the_rules() {
    let dependencies = dependencies();
    assert!(
        dependencies.iter().any(|name| name == "tokio"),
        "manifest: {dependencies:?}"
    );
    assert!(
        dependencies.iter().any(|name| name == "rustls"),
        "manifest: {dependencies:?}"
    );
    let files = rust_files("src");
    assert!(
        files.iter().any(|(path, _)| path == "src/lib.rs"),
        "no src/lib.rs in {files:?}"
    );

    let mut imports = 0;
    let mut found = Vec::new();
    for (path, text) in &files {
        let file = File::parse(path, text, &dependencies);
        imports += file.paths.len();
        found.extend(check_source(&file));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    // A reader that no longer recognised imports would find no violations either.
    assert!(
        imports > files.len(),
        "{imports} imports found in {} files",
        files.len()
    );
}

#[test]
fn no_file_is_too_long() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "examples", "benches", "testkit/src"] {
        files.extend(rust_files(folder));
    }
    assert!(files.iter().any(|(path, _)| path == "tests/layout/main.rs"));
    let found: Vec<_> = files
        .iter()
        .filter_map(|(path, text)| check_length(path, text))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_module_imports_only_modules_of_lower_layers() {
    for (index, module) in LAYERS.iter().enumerate() {
        for name in module.ours {
            assert!(
                LAYERS[..index].iter().any(|below| below.name == *name),
                "{} may import {name}, which is not listed above it",
                module.name,
            );
        }
    }
}

/// Each line: a file, its contents, and what the complaint has to mention (nothing: no complaint).
const SAMPLES: &[(&str, &str, &str)] = &[
    // Imports of our own modules.
    (
        "src/callback/io.rs",
        "use crate::stream::TlsStream;",
        "stream",
    ),
    ("src/callback/mod.rs", "use super::engine;", "engine"),
    (
        "src/callback/io.rs",
        "use super::super::client::TlsConnector;",
        "client",
    ),
    ("src/callback/io.rs", "use super::attempt::Attempt;", ""),
    (
        "src/callback/io.rs",
        "mod tests { use super::*; use super::super::attempt::X; }",
        "",
    ),
    (
        "src/engine/mod.rs",
        "fn f() { crate::callback::g() }",
        "callback",
    ),
    (
        "src/stream/mod.rs",
        "use crate::{callback::Attempt, engine::{self, Engine}, error};",
        "",
    ),
    (
        "src/stream/mod.rs",
        "use crate::{callback::Attempt, server as s};",
        "server",
    ),
    ("src/client.rs", "use crate::server::TlsAcceptor;", "server"),
    ("src/client.rs", "use super::stream::Handshake;", ""),
    ("src/error.rs", "use crate::engine::Engine;", "engine"),
    ("src/stream/mod.rs", "use crate::TlsConnector;", "re-export"),
    ("src/stream/mod.rs", "use crate::*;", "re-export"),
    (
        "src/lib.rs",
        "mod stream; pub use client::{self, TlsConnector}; use crate::server::X;",
        "",
    ),
    ("src/cellar.rs", "", "in no layer"),
    ("src/cellar/mod.rs", "", "in no layer"),
    // Mentions of other crates.
    ("src/callback/closures.rs", "use rustls::Error;", "rustls"),
    (
        "src/engine/rustls.rs",
        "use std::io; use rustls::Connection; use self::x;",
        "",
    ),
    (
        "src/engine/rustls.rs",
        "fn f(io: impl ::tokio::io::AsyncRead) {}",
        "tokio",
    ),
    ("src/engine/rustls.rs", "fn f() { tokio::pin!(x) }", "tokio"),
    (
        "src/engine/rustls.rs",
        "fn f() { m!(x, { y(tokio::net::z) }) }",
        "tokio",
    ),
    ("src/engine/mod.rs", "use tokio as t;", "tokio"),
    ("src/stream/mod.rs", "use rustls::Connection;", "rustls"),
    ("src/client.rs", "use rustix::fd::OwnedFd;", "rustix"),
    // Comments and strings are not imports.
    (
        "src/engine/mod.rs",
        "//! [`crate::stream`] /* tokio::x */\n/* use tokio::y; */",
        "",
    ),
    (
        "src/engine/mod.rs",
        "const T: &str = \"tokio::io \\\" crate::stream\";",
        "",
    ),
    (
        "src/engine/mod.rs",
        "const T: &str = r#\"a \" tokio::io\"#; use tokio::net;",
        "tokio::net",
    ),
    (
        "src/engine/mod.rs",
        "fn f<'a>(c: &'a u8) { g('\"', '\\''); tokio::spawn(c) }",
        "tokio",
    ),
    // What a file may contain.
    ("src/stream/mod.rs", "fn f() { unsafe { g() } }", "unsafe"),
    ("src/callback/io.rs", "unsafe impl Send for X {}", "unsafe"),
    ("src/callback/io.rs", "unsafe fn f() {}", "unsafe"),
    (
        "src/callback/io.rs",
        "fn f() { m!(unsafe { g() }) }",
        "unsafe",
    ),
    (
        "src/callback/io.rs",
        "#[unsafe(no_mangle)] fn f() {}",
        "unsafe",
    ),
    ("src/callback/io.rs", "fn f() { unsafe { g() } }", "unsafe"),
    ("src/ffi/callbacks.rs", "fn f() { unsafe { g() } }", ""),
    ("src/lib.rs", "#![deny(unsafe_code)] // unsafe", ""),
    ("src/stream/mod.rs", "fn get_state(&self) {}", "get_state"),
    (
        "src/stream/mod.rs",
        "pub fn get_ref(&self) {} fn get_mut(&mut self) { x.get_some() }",
        "",
    ),
    ("src/stream/read/buffer.rs", "", "deep"),
    ("src/stream/read/mod.rs", "", ""),
    ("src/stream/read.rs", "mod inner { fn f() {} }", ""),
    ("src/stream/read.rs", "mod inner; fn f() {}", "deep"),
];

#[test]
fn every_rule_finds_the_sample_that_breaks_it() {
    for (path, text, expected) in SAMPLES {
        let found = complaints(path, text);
        if expected.is_empty() {
            assert!(found.is_empty(), "{path}: {text}\n{found:?}");
        } else {
            assert_eq!(found.len(), 1, "{path}: {text}\n{found:?}");
            assert!(found[0].contains(expected), "{path}: {text}\n{found:?}");
        }
    }
    assert!(check_length("a.rs", &"x\n".repeat(LINES)).is_none());
    assert!(check_length("a.rs", &"x\n".repeat(LINES + 1)).is_some());
}
