//! A connection that has failed, and the delivery of its alert.

use std::io::{self, Write};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::state::{Failed, Phase};
use crate::callback::{Direction, Half};
use crate::engine::{Alert, Engine, Failure};

impl<IO, C> TlsStream<IO, C> {
    /// Makes the stream fail if there is a failure.
    pub(crate) fn failed_by(mut self, failure: Option<Failure>) -> Self {
        if let Some(failure) = failure {
            self.fail(failure);
        }
        self
    }

    /// Makes the stream fail permanently.
    pub(super) fn fail(&mut self, failure: Failure) {
        if let Phase::Failed(_) = self.phase {
            return;
        }
        let alert = failure.plain_alert();
        self.phase = Phase::Failed(Box::new(Failed { failure, alert }));
    }

    /// The unsent part of an alert that is not queued in the connection.
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
        // After a write error the alert cannot be sent.
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

    /// Ready once the alert is passed to the transport and flushed, or the transport accepts no
    /// more.
    pub(super) fn poll_deliver_alert(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        // A failed connection makes no records of pending plaintext, so only queued ciphertext is
        // written.
        ready!(self.poll_write_io(half, cx))?;
        while let Some(mut alert) = self.plain_alert().and_then(Option::take) {
            let sent = self.poll_attempt(Direction::Write, half, cx, |_, _, transport| {
                transport.write(alert.rest())
            });
            match sent {
                Poll::Ready(Ok(sent @ 1..)) => alert.advance(sent),
                // The transport accepts no more.
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
