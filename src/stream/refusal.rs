//! An alert that is delivered without a connection.

use std::fmt;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::callback::{ATTEMPTS_PER_POLL, Attempt};
use crate::engine::{Alert, Inbox};

/// The alert with which a handshake is refused.
#[derive(Default)]
pub(crate) struct Refusal(Option<Alert>);

impl Refusal {
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
        let delivered = poll_write(alert, io, cx);
        let mut discarded = Inbox::default();
        for _ in 0..ATTEMPTS_PER_POLL {
            discarded.clear();
            if !matches!(discarded.fill(&mut Attempt::new(Pin::new(io), cx)), Ok(1..)) {
                break;
            }
        }
        ready!(delivered);
        self.0 = None;
        Poll::Ready(())
    }
}

/// Ready once the transport has taken the alert and is flushed, or takes no more.
fn poll_write<IO>(alert: &mut Alert, io: &mut IO, cx: &mut Context<'_>) -> Poll<()>
where
    IO: AsyncWrite + Unpin,
{
    for _ in 0..ATTEMPTS_PER_POLL {
        let mut transport = Attempt::new(Pin::new(io), cx);
        let answer = match alert.rest() {
            [] => transport.flush().map(|()| 0),
            rest => transport.write(rest),
        };
        match answer {
            Ok(0) => return Poll::Ready(()),
            Ok(sent) => alert.advance(sent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Poll::Ready(()),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").finish_non_exhaustive()
    }
}
