//! The contract of an attempt, and its adapters to and from Tokio's polled I/O.
//!
//! # The contract
//!
//! An *attempt* is one non-blocking try at a transport. In Rust it is a call of [`std::io::Read`]
//! or [`std::io::Write`] with the results of a non-blocking socket; in C it is one of the three
//! callbacks of rustls. The buffer is borrowed for that call only. The result means:
//!
//! | result | `read` | `write`, `write_vectored` |
//! |---|---|---|
//! | `Ok(n)`, 0 < n ≤ offered | n bytes were stored | n bytes were accepted, counted across the slices |
//! | `Ok(0)` with room offered | end of stream | the transport accepts nothing: an error ([`ErrorKind::WriteZero`]) |
//! | `Ok(n)`, n > offered | the contract is violated: an error ([`ErrorKind::OverReported`]) | the same |
//! | [`WouldBlock`] | no progress; the task will be woken | the same |
//! | [`Interrupted`] | the attempt is repeated | the same |
//! | any other error | returned to the caller unchanged | the same |
//!
//! `write_vectored` is one attempt too: a transport that supports it receives all slices in one call,
//! in order; any other receives the first slice that is not empty.
//!
//! # The adapters
//!
//! [`Attempt`] makes attempts at a Tokio transport during one poll. [`CallbackIo`] is a Tokio transport
//! that consists of attempts: Rust closures ([`Callbacks`]) or anything else that implements
//! [`Callback`]. Its [`Readiness`] decides who wakes a task whose attempt would block.
//!
//! [`ErrorKind::WriteZero`]: crate::ErrorKind::WriteZero
//! [`ErrorKind::OverReported`]: crate::ErrorKind::OverReported
//! [`WouldBlock`]: std::io::ErrorKind::WouldBlock
//! [`Interrupted`]: std::io::ErrorKind::Interrupted

mod attempt;
mod chunk;
mod closures;
#[cfg(all(unix, feature = "fd"))]
mod descriptor;
mod halves;
mod io;
mod readiness;
mod retry;
mod unbudgeted;

use std::io::{Read, Result, Write};

pub use attempt::Attempt;
pub(crate) use chunk::{CHUNKS_PER_POLL, poll_chunk};
pub use closures::{Absent, Callbacks};
#[cfg(all(unix, feature = "fd"))]
pub use descriptor::Descriptor;
pub(crate) use halves::{Half, waker_of_both};
pub use io::CallbackIo;
pub use readiness::{Direction, Polled, Readiness, ReadinessHandle, Signalled};
pub(crate) use retry::poll_attempt;
pub(crate) use unbudgeted::{is_starved, unbudgeted};

use crate::error::{Error, ErrorKind};

/// Attempts in both directions, with two operations that [`std::io::Write`] does not have.
///
/// Implemented by [`Attempt`] and [`Callbacks`]. Implement it for another type to use that in a
/// [`CallbackIo`].
pub trait Callback: Read + Write {
    /// Returns whether `write_vectored` accepts more than one slice in a call. If not, `write` is
    /// called with the first slice that is not empty.
    fn has_write_vectored(&self) -> bool {
        false
    }

    /// Makes one attempt to close the write half, after everything was flushed.
    ///
    /// Does nothing unless it is overridden.
    ///
    /// # Errors
    ///
    /// As for `write`: after `WouldBlock` it is called again.
    fn shutdown(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<C: Callback + ?Sized> Callback for &mut C {
    fn has_write_vectored(&self) -> bool {
        (**self).has_write_vectored()
    }

    fn shutdown(&mut self) -> Result<()> {
        (**self).shutdown()
    }
}

impl<C: Callback + ?Sized> Callback for Box<C> {
    fn has_write_vectored(&self) -> bool {
        (**self).has_write_vectored()
    }

    fn shutdown(&mut self) -> Result<()> {
        (**self).shutdown()
    }
}

/// Turns a result into an error if it is larger than what was offered.
#[inline]
pub(crate) fn within(offered: usize, answer: Result<usize>) -> Result<usize> {
    match answer {
        Ok(answered) if answered > offered => Err(Error::because(
            ErrorKind::OverReported,
            format!("{answered} bytes reported, {offered} offered"),
        )
        .into()),
        answer => answer,
    }
}
