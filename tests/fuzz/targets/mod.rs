//! The bodies of the fuzz targets: functions that panic when an input breaks something.
//!
//! `fuzz/` hands them to libFuzzer, and the test beside them gives them a bounded number of inputs.
//! What an input does depends on nothing but the input.

mod answers;
mod attack;
mod callbacks;
mod client;
mod configs;
mod cryptography;
mod input;
#[cfg(feature = "next")]
mod next;
mod operations;
mod record;
mod server;
mod session;
mod steps;
mod streams;

pub(crate) use record::seeds;

/// A target: its name, which is also that of its folder of seeds, and its body.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    ("server", server::run),
    ("client", client::run),
    ("operations", operations::run),
    #[cfg(feature = "next")]
    ("operations-next", operations::run_next),
    ("callbacks", callbacks::run),
];
