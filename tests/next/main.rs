//! Streams on rustls 0.24: the guarantees, with the tests for rustls 0.23, and features that only
//! 0.24 has.

#![expect(
    clippy::duplicate_mod,
    reason = "one guarantee, tested with two kinds of halves"
)]

mod engine;
#[path = "../promises/halves.rs"]
mod halves;
#[path = "../promises/support.rs"]
mod support;
mod taken_out;

#[path = "../promises/p01_pending.rs"]
mod p01_pending;
#[path = "../promises/p02_writes.rs"]
mod p02_writes;
#[path = "../promises/p03_nothing_unsent.rs"]
mod p03_nothing_unsent;
#[path = "../promises/p04_handshake.rs"]
mod p04_handshake;
#[path = "../promises/p05_alerts.rs"]
mod p05_alerts;
#[path = "../promises/p06_end_of_stream.rs"]
mod p06_end_of_stream;
#[path = "../promises/p07_shutdown.rs"]
mod p07_shutdown;
#[path = "../promises/p08_cancellation.rs"]
mod p08_cancellation;
#[path = "../promises/p09_reads_fill.rs"]
mod p09_reads_fill;
#[path = "../promises/p10_two_tasks.rs"]
mod p10_two_tasks;
#[path = "../promises/p11_seams.rs"]
mod p11_seams;
#[path = "../promises/p12_errors.rs"]
mod p12_errors;
#[path = "../promises/p13_bounded.rs"]
mod p13_bounded;

#[path = "../promises/acquaintances.rs"]
mod acquaintances;
#[path = "../promises/attempts.rs"]
mod attempts;
#[path = "../promises/early_data.rs"]
mod early_data_of_clients;
#[path = "../promises/end_of_tls.rs"]
mod end_of_tls;
#[path = "../promises/half_rtt.rs"]
mod half_rtt;
#[path = "../promises/round_trips.rs"]
mod round_trips;

/// The guarantee for two tasks again, for owned halves.
mod owned {
    pub(crate) mod halves;
    #[path = "../../promises/p10_two_tasks.rs"]
    mod p10_two_tasks;
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
