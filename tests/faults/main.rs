//! Injects every fault at every call of the transport, and drops every future at every poll.
//!
//! A failure prints its case as one line. To run that case alone:
//!
//! ```text
//! POLLBACK_CASE='scenario=… client=Ours …' cargo test --features full --test faults replay
//! ```

#[path = "../callback/attempted.rs"]
mod attempted;
mod rig;

#[cfg(feature = "next")]
mod next;
#[cfg(feature = "next")]
#[path = "../next/engine.rs"]
#[expect(dead_code, unused_imports, reason = "shared with tests/guarantees")]
mod next_engine;

#[cfg(feature = "early-data")]
mod found;
#[cfg(feature = "relay")]
#[path = "../relay/noted.rs"]
mod noted;
mod others;
mod parity;
mod plans;
#[cfg(feature = "relay")]
mod relay;
mod replay;
mod sweep;
mod timeouts;
