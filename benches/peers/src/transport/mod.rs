//! A transport that counts calls.

mod counted;
mod records;
mod tcp;

pub use counted::{Calls, Counted, Counter, Counts};
pub use tcp::{Listener, connected};
