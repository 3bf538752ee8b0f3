//! The limit on open files of this process.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The number needed for everything but the stalled clients.
const RESERVE: u64 = 200;

/// Raises the limit as far as possible; returns how many connections it allows.
pub(crate) fn raise() -> io::Result<usize> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    let connections = maximum.unwrap_or(u64::MAX).saturating_sub(RESERVE);
    Ok(usize::try_from(connections).unwrap_or(usize::MAX))
}
