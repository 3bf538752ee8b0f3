//! Delivery of an alert without a connection.

use std::fmt;
use std::io::{Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::transport::Budget;
use crate::callback::{Attempt, poll_attempt, unbudgeted};
use crate::engine::Alert;

/// The alert of a rejected handshake, until it is delivered.
#[derive(Default)]
pub(crate) struct PendingAlert(Option<Alert>);

impl PendingAlert {
    pub(crate) fn new(alert: Alert) -> Self {
        Self(Some(alert))
    }

    /// Ready once the alert is sent and flushed, as far as the transport allows. Also reads what
    /// the peer has sent by then, since closing a socket with unread data causes a reset that may
    /// overtake the alert.
    pub(crate) fn poll_deliver<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(alert) = &mut self.0 else {
            return Poll::Ready(());
        };
        let delivered = poll_alert(alert, Pin::new(io), cx);
        let _ = unbudgeted(cx, |cx| {
            discard(Pin::new(io), cx);
            Poll::Ready(())
        });
        ready!(delivered);
        self.0 = None;
        Poll::Ready(())
    }
}

/// Ready once the transport has accepted the alert and is flushed, or accepts no more.
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

/// Reads and discards what has arrived.
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
