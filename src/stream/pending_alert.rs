//! An alert that is delivered without a connection.

use std::fmt;
use std::io::{Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::transport::Budget;
use crate::callback::{Attempt, poll_attempt};
use crate::engine::Alert;

/// The alert with which a handshake is refused, on its way to the peer.
#[derive(Default)]
pub(crate) struct PendingAlert(Option<Alert>);

impl PendingAlert {
    pub(crate) fn new(alert: Alert) -> Self {
        Self(Some(alert))
    }

    /// Ready once the alert is delivered and flushed, as far as the transport allows, and what the
    /// peer had sent by then is read, so that no reset overtakes the alert.
    pub(crate) fn poll_deliver<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(alert) = &mut self.0 else {
            return Poll::Ready(());
        };
        let delivered = poll_alert(alert, Pin::new(io), cx);
        discard(Pin::new(io), cx);
        ready!(delivered);
        self.0 = None;
        Poll::Ready(())
    }
}

/// Ready once the transport has taken the alert and is flushed, or takes no more.
fn poll_alert<IO>(alert: &mut Alert, mut io: Pin<&mut IO>, cx: &mut Context<'_>) -> Poll<()>
where
    IO: AsyncWrite,
{
    while !alert.rest().is_empty() {
        match ready!(poll_attempt(cx, |cx| {
            Attempt::new(io.as_mut(), cx).write(alert.rest())
        })) {
            Ok(sent @ 1..) => alert.advance(sent),
            _ => return Poll::Ready(()),
        }
    }
    let flushed = poll_attempt(cx, |cx| Attempt::new(io.as_mut(), cx).flush());
    flushed.map(|_| ())
}

/// Reads what has arrived, and drops it.
fn discard<IO: AsyncRead>(mut io: Pin<&mut IO>, cx: &mut Context<'_>) {
    let mut dropped = [0; 1024];
    let mut budget = Budget::new();
    while !budget.is_spent() {
        match poll_attempt(cx, |cx| Attempt::new(io.as_mut(), cx).read(&mut dropped)) {
            Poll::Ready(Ok(taken @ 1..)) => budget.spend(taken),
            _ => return,
        }
    }
    cx.waker().wake_by_ref();
}

impl fmt::Debug for PendingAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAlert").finish_non_exhaustive()
    }
}
