//! The time limits of a relay.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::error::Cause;
use crate::callback::unbudgeted;

pub(super) struct Clock {
    idle: Option<Duration>,
    limit: Option<Duration>,
    start: Instant,
    /// When a byte last moved.
    last: Instant,
    /// Reset only after it has elapsed, so that moving bytes needs no timer operation.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            idle: None,
            limit: None,
            start: now,
            last: now,
            sleep: None,
        }
    }

    pub(super) fn set_idle(&mut self, idle: Duration) {
        self.idle = Some(idle);
    }

    pub(super) fn set_limit(&mut self, limit: Duration) {
        self.limit = Some(limit);
    }

    pub(super) fn note_progress(&mut self) {
        if self.idle.is_some() {
            self.last = Instant::now();
        }
    }

    /// The next time limit if nothing moves. A time that the clock cannot represent is never
    /// reached.
    fn next(&self) -> Option<(Instant, Cause)> {
        let at = |from: Instant, after: Option<Duration>| from.checked_add(after?);
        match (at(self.last, self.idle), at(self.start, self.limit)) {
            (Some(idle), Some(limit)) if limit <= idle => Some((limit, Cause::TimeLimit)),
            (Some(idle), _) => Some((idle, Cause::Idle)),
            (None, Some(limit)) => Some((limit, Cause::TimeLimit)),
            (None, None) => None,
        }
    }

    /// Ready once a time limit is reached.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Cause> {
        loop {
            let Some(sleep) = &mut self.sleep else {
                let Some((at, _)) = self.next() else {
                    return Poll::Pending;
                };
                self.sleep = Some(Box::pin(sleep_until(at)));
                continue;
            };
            // Also while the streams spend the budget of the task in every poll.
            ready!(unbudgeted(cx, |cx| sleep.as_mut().poll(cx)));
            let Some((at, cause)) = self.next() else {
                return Poll::Pending;
            };
            if at <= Instant::now() {
                return Poll::Ready(cause);
            }
            if let Some(sleep) = &mut self.sleep {
                sleep.as_mut().reset(at);
            }
        }
    }
}
