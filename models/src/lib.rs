//! Models of the wakeups of two tasks that use pollback.
//!
//! The unchanged sources of pollback are compiled here, except that the name `std` refers to the
//! standard library with the locks of loom. A model is run once for every order in which its
//! threads can take these locks, and a task that nothing wakes is a deadlock, which loom reports.

#![cfg(test)]
// Only a part of the sources is used.
#![allow(dead_code, unused_imports)]

extern crate pollback_models_std as std;

#[path = "../../src/callback/mod.rs"]
mod callback;
#[path = "../../src/engine/mod.rs"]
mod engine;
#[path = "../../src/error.rs"]
mod error;
#[path = "../../src/options.rs"]
mod options;
#[path = "../../src/stream/mod.rs"]
mod stream;

mod halves;
mod readiness;
mod split;
mod transport;

use error::{Error, ErrorKind};

/// Runs the model for every interleaving of its threads with at most `interruptions` preemptions.
fn check(interruptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(model);
}
