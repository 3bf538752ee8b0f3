//! Reading a ClientHello, before there is a connection and a stream.

use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::PendingAlert;
use super::transport::Budget;
use crate::callback::{Attempt, poll_attempt};
use crate::engine::{self, AcceptHello, Alert, InputBuffer};
use crate::error::{Error, ErrorKind};

/// Reads a ClientHello, and rejects anything else with an alert.
pub(crate) struct ReadClientHello<A> {
    /// `None` once there is a ClientHello, or will never be one.
    acceptor: Option<A>,
    input: InputBuffer,
    rejected: Option<(PendingAlert, io::Error)>,
}

impl<A: AcceptHello> ReadClientHello<A> {
    pub(crate) fn new(acceptor: A) -> Self {
        Self {
            acceptor: Some(acceptor),
            input: InputBuffer::default(),
            rejected: None,
        }
    }

    /// Takes the transport out of `io` once there is a ClientHello, and returns both with the bytes
    /// that were read after it.
    pub(crate) fn poll_start<IO>(
        &mut self,
        io: &mut Option<IO>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(A::Accepted, IO, InputBuffer)>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(transport) = io else {
            return Poll::Ready(Err(self.reason()));
        };
        let Some(accepted) = ready!(self.poll_accepted(transport, cx)) else {
            return self.poll_refused(transport, cx).map(Err);
        };
        let start = io.take().map(|io| (accepted, io, self.take_input()));
        Poll::Ready(start.ok_or_else(|| self.reason()))
    }

    /// Reads from `io` until there is a ClientHello. Returns `None` if there will never be one;
    /// [`poll_refused`](Self::poll_refused) returns the reason.
    fn poll_accepted<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<Option<A::Accepted>>
    where
        IO: AsyncRead + Unpin,
    {
        let mut budget = Budget::new();
        while let Some(acceptor) = &mut self.acceptor {
            match engine::accept(acceptor, &mut self.input) {
                Ok(Some(accepted)) => {
                    self.acceptor = None;
                    return Poll::Ready(Some(accepted));
                }
                Ok(None) => {}
                Err((alert, error)) => {
                    self.reject(PendingAlert::new(alert), error);
                    break;
                }
            }
            if budget.is_spent() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            budget.spend(0);
            let input = &mut self.input;
            match ready!(poll_attempt(cx, |cx| {
                input.fill(0, &mut Attempt::new(Pin::new(&mut *io), cx))
            })) {
                Ok(0) => self.fail(Error::handshake_eof().into()),
                Ok(_) => {}
                Err(error) => self.fail(error),
            }
        }
        Poll::Ready(None)
    }

    /// The bytes that were read after the ClientHello.
    fn take_input(&mut self) -> InputBuffer {
        mem::take(&mut self.input)
    }

    /// Fails because of a read error.
    pub(crate) fn fail(&mut self, error: io::Error) {
        let alert = match Error::find(&error).map(|error| error.kind()) {
            Some(ErrorKind::TooLong) => PendingAlert::new(Alert::decode_error()),
            // No alert can be sent on a transport that has failed.
            _ => PendingAlert::default(),
        };
        self.reject(alert, error);
    }

    fn reject(&mut self, alert: PendingAlert, error: io::Error) {
        self.acceptor = None;
        self.rejected = Some((alert, error));
    }

    /// Delivers the alert, then returns the reason why there is no ClientHello.
    fn poll_refused<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<io::Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if let Some((alert, _)) = &mut self.rejected {
            ready!(alert.poll_deliver(io, cx));
        }
        Poll::Ready(self.reason())
    }

    /// The reason why there is no ClientHello, without an alert.
    fn reason(&mut self) -> io::Error {
        match self.rejected.take() {
            Some((_, error)) => error,
            None => io::Error::other("the ClientHello was polled for after it had been returned"),
        }
    }
}
