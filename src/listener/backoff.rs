//! The pause after accepting has failed.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);

/// Waits between failures, with increasing pauses.
///
/// A process without free file descriptors fails to accept connections that remain pending: without
/// a pause, it would retry in a busy loop.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pause: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Backoff {
    /// Records a success, after which the next failure counts as the first.
    pub(super) fn succeed(&mut self) {
        self.pause = None;
    }

    pub(super) fn fail(&mut self, error: &io::Error) {
        if concerns_one_connection(error) {
            return;
        }
        let pause = self.pause.map_or(SHORTEST, |pause| LONGEST.min(pause * 2));
        self.pause = Some(pause);
        self.sleep = Some(Box::pin(sleep(pause)));
    }

    /// Ready once it is time to try again.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        Poll::Ready(())
    }
}

/// Whether a single connection failed before it was accepted, so that the next may succeed.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
