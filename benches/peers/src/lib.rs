//! The same work on pollback and on its peers, over the same transport, in one run.

pub mod allocator;
pub mod cost;
pub mod peer;
pub mod transport;
pub mod work;
