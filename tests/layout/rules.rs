//! The rules, as tables, and the checks that read them.

use crate::source::{File, Root};

/// A module directly below the crate root, and what it may use.
pub(crate) struct Module {
    pub(crate) name: &'static str,
    /// The other modules that it may import.
    pub(crate) ours: &'static [&'static str],
    /// The crates other than the standard library that it may mention.
    pub(crate) crates: &'static [&'static str],
}

/// The modules from the lowest layer up: each imports only from those that are listed above it.
#[rustfmt::skip]
pub(crate) const LAYERS: &[Module] = &[
    Module { name: "guide",    ours: &[], crates: &[] },
    Module { name: "error",    ours: &[],        crates: &["rustls", "rustls_next"] },
    Module { name: "callback", ours: &["error"], crates: &["tokio", "rustix"] },
    Module { name: "engine",   ours: &["error"], crates: &["rustls", "rustls_next"] },
    Module { name: "options",  ours: &["engine"], crates: &[] },
    // One drive loop for every engine: it uses connections only through our trait.
    Module { name: "stream",   ours: &["error", "callback", "engine", "options"], crates: &["bytes", "tokio"] },
    Module { name: "client",   ours: &["error", "callback", "engine", "options", "stream"], crates: JOINT },
    Module { name: "server",   ours: &["error", "callback", "engine", "options", "stream"], crates: JOINT },
    Module { name: "either",   ours: &["stream", "client", "server"],
                             crates: &["bytes", "rustls", "tokio"] },
    Module { name: "ffi",      ours: &["error", "callback", "engine", "stream"],
                             crates: &["rustls", "tokio", "rustls_ffi", "libc"] },
    Module { name: "proxy_protocol", ours: &["error", "callback"], crates: &["tokio"] },
    Module { name: "hello",    ours: &["error", "callback", "engine", "stream", "server", "proxy_protocol"],
                             crates: JOINT },
    Module { name: "next",     ours: &["error", "callback", "engine", "options", "stream"], crates: NEXT },
    Module { name: "listener", ours: &["error", "callback", "engine", "options", "stream", "server", "hello", "proxy_protocol"],
                             crates: LISTENER },
    Module { name: "relay",    ours: &["error", "callback", "engine", "stream", "either", "hello", "listener"],
                             crates: &["tokio", "socket2"] },
];

/// For modules in which the types of tokio and rustls meet.
const JOINT: &[&str] = &["rustls", "tokio", "tokio_rustls"];

/// The same with rustls 0.24.
const NEXT: &[&str] = &["rustls_next", "rustls_next_aws_lc_rs", "tokio"];

/// The crates that the listener uses.
const LISTENER: &[&str] = &[
    "rustls",
    "tokio",
    "arc_swap",
    "axum",
    "futures_core",
    "rustix",
    "socket2",
    "tonic",
];

/// The folders in which `unsafe` is allowed.
const UNSAFE: &[&str] = &["src/ffi/"];

/// The functions whose names may begin with `get_`: those that tokio-rustls has.
const GET: &[&str] = &["get_ref", "get_mut"];

/// How deep the files of modules may be nested; `stream::read` is two deep.
const DEPTH: usize = 2;

/// The maximum number of lines in a file.
pub(crate) const LINES: usize = 500;

/// Returns a complaint if the file is too long.
pub(crate) fn check_length(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > LINES).then(|| format!("{path}: {lines} lines, more than {LINES}"))
}

/// Everything that is wrong with one file of `src`.
pub(crate) fn check_source(file: &File) -> Vec<String> {
    let mut found = check_contents(file);
    let Some(name) = file.module.first() else {
        // The crate root may import all modules.
        return found;
    };
    let Some(module) = LAYERS.iter().find(|module| module.name == name) else {
        found.push(format!("{}: the module {name} is in no layer", file.path));
        return found;
    };
    for import in &file.paths {
        let complaint = match &import.root {
            Root::Ours(path) => match path.first() {
                Some(first) if first == name || module.ours.contains(&first.as_str()) => continue,
                Some(first) if LAYERS.iter().any(|module| module.name == first) => {
                    format!("{name} may not import {first}")
                }
                _ => "import from the module, not from the crate root's re-export".to_owned(),
            },
            Root::Crate(other) if module.crates.contains(&other.as_str()) => continue,
            Root::Crate(other) => format!("{name} may not mention {other}"),
        };
        found.push(format!(
            "{}:{}: {complaint}: {}",
            file.path, import.line, import.text
        ));
    }
    found
}

fn check_contents(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (line, module) in &file.modules {
        if module.len() > DEPTH {
            let module = module.join("::");
            found.push(format!(
                "{}:{line}: {module} is more than {DEPTH} deep",
                file.path
            ));
        }
    }
    if !UNSAFE.iter().any(|allowed| file.path.starts_with(allowed)) {
        for line in &file.unsafe_lines {
            found.push(format!("{}:{line}: unsafe is not allowed here", file.path));
        }
    }
    for (line, name) in &file.functions {
        if name.starts_with("get_") && !GET.contains(&name.as_str()) {
            found.push(format!(
                "{}:{line}: {name} should not begin with get_",
                file.path
            ));
        }
    }
    found
}
