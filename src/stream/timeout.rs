//! The timeout of a handshake.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use crate::callback::unbudgeted;

/// A timeout that starts with the first poll, so that handshakes can be created outside of a
/// runtime.
#[derive(Default)]
pub(super) enum Timeout {
    #[default]
    Unset,
    Set(Duration),
    Running(Pin<Box<Sleep>>),
}

impl Timeout {
    /// Starts the timeout unless it has started.
    pub(super) fn start(&mut self) {
        if let Self::Set(duration) = self {
            *self = Self::Running(Box::pin(sleep(*duration)));
        }
    }

    /// Ready once the timeout has elapsed.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            // Also if the rest of the task spends its budget in every poll.
            Self::Running(sleep) => unbudgeted(cx, |cx| sleep.as_mut().poll(cx)),
            _ => Poll::Pending,
        }
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").finish_non_exhaustive()
    }
}
