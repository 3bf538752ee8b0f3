//! A transport that counts what is asked of it.

mod counted;
mod records;
mod tcp;

pub use counted::{Calls, Counted, Counter, Counts};
pub use tcp::{Listener, connected};
