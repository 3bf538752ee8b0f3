//! The same work on pollback and on its peers, over the same transport, in one run.
//!
//! [`work::ROWS`] lists the work, [`contenders::CONTENDERS`] the contenders that do it.

pub mod allocator;
pub mod contenders;
pub mod cost;
pub mod peer;
pub mod report;
pub mod transport;
pub mod work;
