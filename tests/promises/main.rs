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

mod p01_pending;
mod p02_writes;
mod p03_nothing_unsent;
mod p04_handshake;
mod p05_alerts;
mod p06_end_of_stream;
mod p07_shutdown;
mod p08_cancellation;
mod p09_reads_fill;
mod p10_two_tasks;
mod p11_seams;
mod p12_errors;
mod p13_bounded;

#[cfg(feature = "early-data")]
mod acquaintances;
#[cfg(all(feature = "bytes", any(feature = "fd", feature = "listener")))]
mod attempts;
mod begun_elsewhere;
mod costs;
#[cfg(feature = "early-data")]
mod early_data;
mod end_of_tls;
#[cfg(feature = "early-data")]
mod half_rtt;
mod of_0_23;
#[cfg(feature = "early-data")]
mod round_trips;
