//! A connection that has failed, and its last words.

use std::io::{self, Write};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::state::{Failed, Phase};
use crate::callback::{Direction, Half};
use crate::engine::{Alert, Engine, Failure};

impl<IO, C> TlsStream<IO, C> {
    /// Makes the stream fail for good.
    pub(super) fn fail(&mut self, failure: Failure) {
        if let Phase::Failed(_) = self.phase {
            return;
        }
        let alert = failure.plain_alert();
        self.phase = Phase::Failed(Box::new(Failed { failure, alert }));
    }

    /// What is left of an alert that the connection has not queued.
    fn plain_alert(&mut self) -> Option<&mut Option<Alert>> {
        match &mut self.phase {
            Phase::Failed(failed) => Some(&mut failed.alert),
            _ => None,
        }
    }
}

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Delivers the alert as far as the transport allows, then returns the failure; so does every
    /// later call.
    pub(super) fn poll_failed<T>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        // Where writes have failed there is no way for an alert.
        let delivered = match self.write_error {
            Some(_) => Poll::Ready(Ok(())),
            None => self.poll_deliver_alert(half, cx),
        };
        self.discard_io(half, cx);
        let Phase::Failed(failed) = &self.phase else {
            return Poll::Ready(Err(io::Error::other("the stream has not failed")));
        };
        match delivered {
            Poll::Pending if failed.failure.owes_alert() => Poll::Pending,
            _ => Poll::Ready(Err(failed.failure.to_error())),
        }
    }

    /// Ready once the alert is with the transport and flushed, or the transport takes no more.
    pub(super) fn poll_deliver_alert(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        // Plaintext that waits has no record any more.
        ready!(self.poll_write_io(half, cx))?;
        while let Some(mut alert) = self.plain_alert().and_then(Option::take) {
            let sent = self.poll_attempt(Direction::Write, half, cx, |_, _, transport| {
                transport.write(alert.rest())
            });
            match sent {
                Poll::Ready(Ok(sent @ 1..)) => alert.advance(sent),
                // The transport takes no more.
                Poll::Ready(_) => break,
                Poll::Pending => {}
            }
            if let Some(left) = self.plain_alert().filter(|_| !alert.rest().is_empty()) {
                *left = Some(alert);
            }
            if sent.is_pending() {
                return Poll::Pending;
            }
        }
        self.poll_flush_transport(half, cx)
    }
}
