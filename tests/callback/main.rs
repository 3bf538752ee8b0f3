//! The contract of an attempt: its adapters in both directions, and what wakes a waiting task.

mod attempt;
mod attempted;
mod callback_io;
mod closures;
mod composition;
#[cfg(all(unix, feature = "fd"))]
mod descriptor;
#[cfg(all(target_os = "linux", feature = "fd"))]
mod descriptor_on_linux;
mod memory;
mod owners;
mod readiness;
mod retries;
mod script;
mod shutdown;
mod support;
mod tls;
