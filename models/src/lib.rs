//! Models of what wakes two tasks of pollback.
//!
//! The sources of pollback are compiled here as they are, but for the name `std`: here it stands
//! for the standard library with the locks of loom. A model is run once for every order in which
//! its threads can take these locks, and a task that nobody wakes is a deadlock, which loom reports.

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

/// Runs the model for every order of its threads in which at most `interruptions` of their steps are
/// interrupted.
fn check(interruptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(model);
}
