//! The contract of an attempt, and its adapters to and from tokio's polled I/O.
//!
//! # The contract
//!
//! An *attempt* is one non-blocking try at a transport. In Rust it is a call of [`std::io::Read`]
//! or [`std::io::Write`] in their non-blocking manner, as the sockets of `mio` use them; in C it is
//! one of the three callbacks of rustls. The buffer is lent for that call only. The answer means:
//!
//! | answer | `read` | `write`, `write_vectored` |
//! |---|---|---|
//! | `Ok(n)`, 0 < n ≤ offered | n bytes were stored | n bytes were taken, counted across the slices |
//! | `Ok(0)` with room offered | end of stream | the transport refuses ([`ErrorKind::WriteZero`]) |
//! | `Ok(n)`, n > offered | contract broken ([`ErrorKind::OverReported`]); no byte beyond the offer counts | the same |
//! | [`WouldBlock`] | no progress; whoever waits will be woken | the same |
//! | [`Interrupted`] | the driver tries again | the same |
//! | any other error | goes to the caller as the same object | the same |
//!
//! `write_vectored` is an attempt of its own: a transport that has it gets all slices in one call,
//! in order; one that has not gets the first slice that is not empty.
//!
//! # The adapters
//!
//! [`Attempt`] turns one poll of a tokio transport into attempts. [`CallbackIo`] turns attempts
//! into a tokio transport; the attempts are Rust closures ([`Callbacks`]) or anything else that
//! implements [`Callback`], and its [`Readiness`] says who wakes a task whose attempt would block.
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

use crate::error::{Error, ErrorKind};

/// Attempts in both directions, and the two things that [`std::io::Write`] cannot say of them.
///
/// Implemented by [`Attempt`] and [`Callbacks`]. Implement it for a type of your own to use it in a
/// [`CallbackIo`] without closures.
pub trait Callback: Read + Write {
    /// Whether `write_vectored` takes more than one slice in a call. If not, `write` is called with
    /// the first slice that is not empty.
    fn has_write_vectored(&self) -> bool {
        false
    }

    /// One attempt at closing the direction that writes, after everything was flushed.
    ///
    /// Does nothing unless it is overridden.
    ///
    /// # Errors
    ///
    /// As `write`: `WouldBlock` means that it has to be tried again.
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

/// Refuses an answer that is larger than the offer it answers.
#[inline]
pub(crate) fn within(offered: usize, answer: Result<usize>) -> Result<usize> {
    match answer {
        Ok(answered) if answered > offered => Err(Error::because(
            ErrorKind::OverReported,
            format!("{answered} bytes answered, {offered} offered"),
        )
        .into()),
        answer => answer,
    }
}
