//! The bodies of the fuzz targets: functions that panic when an input breaks something.
//!
//! `fuzz/` passes them to libFuzzer, and the test next to them runs a bounded number of inputs. The
//! effect of an input depends only on the input.

mod answers;
mod attack;
mod callbacks;
mod client;
mod cryptography;
mod current;
mod input;
#[cfg(feature = "next")]
mod next;
mod operations;
mod provider;
#[cfg(feature = "next")]
mod provider_next;
mod record;
mod server;
mod session;
mod steps;
mod streams;
mod version;

use current::Current;
#[cfg(feature = "next")]
use next::Next;
use record::Seeds;
use session::Make;

/// A fuzz target.
pub(crate) struct Target {
    /// Without `-next`, this is also the name of its folder of seeds.
    pub(crate) name: &'static str,
    /// Returns whether it had a clean end.
    pub(crate) body: fn(&[u8]) -> bool,
    /// Records connections that have a clean end.
    pub(crate) seeds: fn() -> Seeds,
}

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    target(
        "server",
        server::run::<Current>,
        record::of_server::<Current>,
    ),
    #[cfg(feature = "next")]
    target(
        "server-next",
        server::run::<Next>,
        record::of_server::<Next>,
    ),
    target(
        "client",
        client::run::<Current>,
        record::of_client::<Current>,
    ),
    #[cfg(feature = "next")]
    target(
        "client-next",
        client::run::<Next>,
        record::of_client::<Next>,
    ),
    target(
        "operations",
        |input| operations::run(input, Make::Current),
        Vec::new,
    ),
    #[cfg(feature = "next")]
    target(
        "operations-next",
        |input| operations::run(input, Make::Next),
        Vec::new,
    ),
    target("callbacks", callbacks::run, Vec::new),
];

const fn target(name: &'static str, body: fn(&[u8]) -> bool, seeds: fn() -> Seeds) -> Target {
    Target { name, body, seeds }
}
