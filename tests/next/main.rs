//! Streams on rustls 0.24: the guarantees, with the tests for rustls 0.23, and features that only
//! 0.24 has.

#![expect(
    clippy::duplicate_mod,
    reason = "one guarantee, tested with two kinds of halves"
)]

mod engine;
#[path = "../guarantees/halves.rs"]
mod halves;
#[path = "../guarantees/support.rs"]
mod support;
mod taken_out;

#[path = "../guarantees/g01_pending.rs"]
mod g01_pending;
#[path = "../guarantees/g02_writes.rs"]
mod g02_writes;
#[path = "../guarantees/g03_reads_flush.rs"]
mod g03_reads_flush;
#[path = "../guarantees/g04_handshake.rs"]
mod g04_handshake;
#[path = "../guarantees/g05_alerts.rs"]
mod g05_alerts;
#[path = "../guarantees/g06_end_of_stream.rs"]
mod g06_end_of_stream;
#[path = "../guarantees/g07_shutdown.rs"]
mod g07_shutdown;
#[path = "../guarantees/g08_cancellation.rs"]
mod g08_cancellation;
#[path = "../guarantees/g09_reads_fill.rs"]
mod g09_reads_fill;
#[path = "../guarantees/g10_two_tasks.rs"]
mod g10_two_tasks;
#[path = "../guarantees/g11_disassembly.rs"]
mod g11_disassembly;
#[path = "../guarantees/g12_errors.rs"]
mod g12_errors;
#[path = "../guarantees/g13_bounded.rs"]
mod g13_bounded;

#[path = "../guarantees/attempts.rs"]
mod attempts;
#[path = "../guarantees/coop_budget.rs"]
mod coop_budget;
#[path = "../guarantees/early_data.rs"]
mod early_data_of_clients;
#[path = "../guarantees/end_of_tls.rs"]
mod end_of_tls;
#[path = "../guarantees/half_rtt.rs"]
mod half_rtt;
#[path = "../guarantees/resumption.rs"]
mod resumption;
#[path = "../guarantees/round_trips.rs"]
mod round_trips;

/// The guarantee for two tasks again, for owned halves.
mod owned {
    #[path = "../../guarantees/g10_two_tasks.rs"]
    mod g10_two_tasks;
    pub(crate) mod halves;
}

mod contended;
mod early_data;
#[path = "../api/either_side.rs"]
mod either_side;
mod features;
mod generic;
mod key_updates;
mod peers;
mod pre_release;
mod splits;
mod unsplit;
mod verify;
#[path = "../../examples/verify.rs"]
#[allow(dead_code, reason = "the test does not use the main function")]
mod verify_example;
