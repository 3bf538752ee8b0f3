//! The contract of an attempt: its adapters in both directions, and what wakes the task that waits.

mod attempt;
mod closures;
mod script;
mod support;
