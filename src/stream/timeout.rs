//! How long a handshake may take.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

/// A time that begins with the first poll, so that handshakes can be made outside of a runtime.
#[derive(Default)]
pub(super) enum Timeout {
    /// There is none.
    #[default]
    Unset,
    Set(Duration),
    Running(Pin<Box<Sleep>>),
}

impl Timeout {
    /// Starts the time, if it has not been started.
    pub(super) fn start(&mut self) {
        if let Self::Set(duration) = self {
            *self = Self::Running(Box::pin(sleep(*duration)));
        }
    }

    /// Ready once the time is over.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Running(sleep) => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").finish_non_exhaustive()
    }
}
