//! The contract of an attempt: its adapters in both directions, and what wakes the task that waits.

mod attempt;
mod callback_io;
mod closures;
mod retries;
mod script;
mod shutdown;
mod support;
