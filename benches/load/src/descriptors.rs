//! How many files this process may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is needed for everything but the clients that stall.
const RESERVE: u64 = 200;

/// Raises the limit as far as it goes; gives the number of connections that it is good for.
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
