//! What everything that reads a ClientHello has in common.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::AlertDescription;
use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::callback::{ATTEMPTS_PER_POLL, Attempt};
use crate::engine::Alert;
use crate::error::{Error, ErrorKind};
use crate::stream::Refusal;

/// Reads a ClientHello, and refuses what is none.
pub(crate) struct Reception {
    acceptor: Acceptor,
    rejected: Option<(Refusal, io::Error)>,
}

impl Reception {
    pub(crate) fn new(acceptor: Acceptor) -> Self {
        Self {
            acceptor,
            rejected: None,
        }
    }

    /// Reads from `io` until there is a ClientHello; `None` if there will be none, for the reason
    /// that [`poll_refused`](Self::poll_refused) gives.
    pub(crate) fn poll_accepted<IO>(
        &mut self,
        io: &mut IO,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Accepted>>
    where
        IO: AsyncRead + Unpin,
    {
        for _ in 0..ATTEMPTS_PER_POLL {
            if self.rejected.is_some() {
                return Poll::Ready(None);
            }
            match self.acceptor.read_tls(&mut Attempt::new(Pin::new(io), cx)) {
                Ok(0) => self.fail(ErrorKind::Truncated.into()),
                Ok(_) => match self.acceptor.accept() {
                    Ok(None) => {}
                    Ok(Some(accepted)) => return Poll::Ready(Some(accepted)),
                    Err((error, alert)) => {
                        let refusal = Refusal::new(Alert::new(&error, alert));
                        let error = io::Error::new(io::ErrorKind::InvalidData, error);
                        self.rejected = Some((refusal, error));
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.fail(error),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Gives up because of an error in reading.
    pub(crate) fn fail(&mut self, error: io::Error) {
        let refusal = match Error::find(&error).map(|error| error.kind()) {
            Some(ErrorKind::TooLong) => Refusal::new(Alert::fatal(AlertDescription::DecodeError)),
            // A transport that has failed takes no alert.
            _ => Refusal::default(),
        };
        self.rejected = Some((refusal, error));
    }

    /// Delivers the alert that says why there is no ClientHello, then gives the reason.
    pub(crate) fn poll_refused<IO>(&mut self, io: &mut IO, cx: &mut Context<'_>) -> Poll<io::Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if let Some((refusal, _)) = &mut self.rejected {
            ready!(refusal.poll_deliver(io, cx));
        }
        Poll::Ready(self.reason())
    }

    /// The reason why there is no ClientHello, without an alert.
    pub(crate) fn reason(&mut self) -> io::Error {
        match self.rejected.take() {
            Some((_, error)) => error,
            None => io::Error::other("a ClientHello was asked for after it was given"),
        }
    }
}
