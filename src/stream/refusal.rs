//! An alert that is delivered without a connection.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::callback::{ATTEMPTS_PER_POLL, Attempt};
use crate::engine::{Alert, Inbox};

/// The alert with which a handshake is refused.
#[derive(Default)]
pub(crate) struct Refusal(Option<Box<dyn Alert>>);

impl Refusal {
    pub(crate) fn new(alert: impl Alert + 'static) -> Self {
        Self(Some(Box::new(alert)))
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
        let mut attempts = 0;
        let delivered = loop {
            let mut transport = Attempt::new(Pin::new(&mut *io), cx);
            let written = alert.transmit(&mut transport);
            let answer = match written {
                Ok(0) => io::Write::flush(&mut transport),
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            attempts += 1;
            match answer {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    if attempts == ATTEMPTS_PER_POLL {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                // Delivered, or the transport allows no more.
                _ => break true,
            }
        };
        let mut discarded = Inbox::default();
        while matches!(
            discarded.fill(&mut Attempt::new(Pin::new(&mut *io), cx)),
            Ok(1..)
        ) {}
        if !delivered {
            return Poll::Pending;
        }
        self.0 = None;
        Poll::Ready(())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal").finish_non_exhaustive()
    }
}
