//! The guarantees of streams, tested in one module each, with TLS 1.2 and 1.3 and over difficult
//! transports.
//!
//! Nothing here waits for a clock: the executor of the test kit detects a hang as "no task will be
//! woken".

mod engine;
mod halves;
mod heap;
mod instruments;
mod support;
mod taken_out;

mod g01_pending;
mod g02_writes;
mod g03_reads_flush;
mod g04_handshake;
mod g05_alerts;
mod g06_end_of_stream;
mod g07_shutdown;
mod g08_cancellation;
mod g09_reads_fill;
mod g10_two_tasks;
mod g11_disassembly;
mod g12_errors;
mod g13_bounded;

#[cfg(all(feature = "bytes", any(feature = "fd", feature = "listener")))]
mod attempts;
mod begun_elsewhere;
mod coop_budget;
mod costs;
#[cfg(feature = "early-data")]
mod early_data;
mod end_of_tls;
#[cfg(feature = "early-data")]
mod half_rtt;
mod of_0_23;
#[cfg(feature = "early-data")]
mod resumption;
#[cfg(feature = "early-data")]
mod round_trips;
