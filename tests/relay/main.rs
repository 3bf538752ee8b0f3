//! The relay: over pipes in memory, with a paused clock, and between sockets.

#[path = "../interop/bounded.rs"]
mod bounded;
mod cancelled;
mod costs;
mod ends;
#[path = "../guarantees/heap.rs"]
mod heap;
mod limits;
mod moves;
mod noted;
mod pairs;
mod plans;
mod sockets;
mod tls;
