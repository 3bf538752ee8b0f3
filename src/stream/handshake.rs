//! The handshake: its drive loop, and the futures of both sides.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::refusal::Refusal;
use super::waiters::Half;
use crate::callback::ATTEMPTS_PER_POLL;
use crate::engine::{Alert, Engine};
use crate::error::ErrorKind;
use crate::options::Options;

/// A TLS handshake on a transport; resolves to the stream once it is done.
///
/// Known as [`Connect`](crate::Connect) and [`Accept`](crate::Accept).
///
/// # Errors
///
/// What the transport fails with; TLS errors of kind `InvalidData`, after the alert that tells the
/// peer has been delivered; [`ErrorKind::Truncated`](crate::ErrorKind::Truncated) if the transport
/// ends. [`Error::find`](crate::Error::find) tells them apart.
///
/// # Cancel safety
///
/// Dropping it drops the transport in mid-handshake. Nothing bounds its time: wrap it in
/// `tokio::time::timeout`.
///
/// # Panics
///
/// If it is polled again after it has resolved.
pub struct Handshake<IO, C>(State<IO, C>);

/// Like [`Handshake`], but gives the transport back on failure.
///
/// Known as [`FallibleConnect`](crate::FallibleConnect) and
/// [`FallibleAccept`](crate::FallibleAccept).
pub struct FallibleHandshake<IO, C>(State<IO, C>);

enum State<IO, C> {
    Running(TlsStream<IO, C>),
    Refused(Refusal, io::Error, IO),
    Done,
}

impl<IO, C> Handshake<IO, C> {
    pub(crate) fn new(stream: TlsStream<IO, C>) -> Self {
        Self(State::Running(stream))
    }

    /// A handshake that cannot be started.
    pub(crate) fn failed(io: IO, error: io::Error) -> Self {
        Self(State::Refused(Refusal::default(), error, io))
    }

    /// A handshake that is refused with an alert.
    pub(crate) fn refused(io: IO, alert: Alert, error: io::Error) -> Self {
        Self(State::Refused(Refusal::new(alert), error, io))
    }

    /// Makes the stream use its transport as `options` say.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self(self.0.with_options(&options))
    }

    /// Makes a failure give the transport back.
    pub fn into_fallible(self) -> FallibleHandshake<IO, C> {
        FallibleHandshake(self.0)
    }

    /// The transport, unless the handshake is done.
    pub fn get_ref(&self) -> Option<&IO> {
        match &self.0 {
            State::Running(stream) => Some(&stream.io),
            State::Refused(_, _, io) => Some(io),
            State::Done => None,
        }
    }

    /// The transport, to be changed, unless the handshake is done.
    pub fn get_mut(&mut self) -> Option<&mut IO> {
        match &mut self.0 {
            State::Running(stream) => Some(&mut stream.io),
            State::Refused(_, _, io) => Some(io),
            State::Done => None,
        }
    }
}

impl<IO, C> FallibleHandshake<IO, C> {
    /// As [`Handshake::with_options`].
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self(self.0.with_options(&options))
    }
}

impl<IO, C> State<IO, C> {
    fn with_options(self, options: &Options) -> Self {
        match self {
            Self::Running(stream) => Self::Running(stream.with_options(options)),
            refused => refused,
        }
    }
}

impl<IO, C> Future for Handshake<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    type Output = io::Result<TlsStream<IO, C>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_err(|(error, _)| error)
    }
}

impl<IO, C> Future for FallibleHandshake<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    type Output = Result<TlsStream<IO, C>, (io::Error, IO)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<IO, C> State<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<TlsStream<IO, C>, (io::Error, IO)>> {
        let outcome = match self {
            // With early data the stream is there at once; its first uses do the handshake.
            Self::Running(stream) if stream.early => Ok(()),
            Self::Running(stream) => ready!(stream.poll_handshake(Half::Writer, cx)),
            Self::Refused(refusal, _, io) => {
                ready!(refusal.poll_deliver(io, cx));
                Ok(())
            }
            Self::Done => Ok(()),
        };
        Poll::Ready(match (mem::replace(self, Self::Done), outcome) {
            (Self::Running(stream), Ok(())) => Ok(stream),
            (Self::Running(stream), Err(error)) => Err((error, stream.io)),
            (Self::Refused(_, error, io), _) => Err((error, io)),
            (Self::Done, _) => panic!("a handshake was polled after it had resolved"),
        })
    }
}

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Drives the handshake to its end.
    ///
    /// While writes are blocked it goes on reading: the peer may be blocked in the same way.
    pub(super) fn poll_handshake(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        for _ in 0..ATTEMPTS_PER_POLL {
            let mut blocked = false;
            if self.write_error.is_none() {
                match self.poll_push(half, cx) {
                    // Held back because an alert in what can still be read would tell more.
                    Poll::Ready(Err(error)) => self.write_error = Some(error),
                    pushed => blocked = pushed.is_pending(),
                }
            }
            if !self.connection.is_handshaking() {
                return self.poll_last_flight(half, cx, blocked);
            }
            match self.poll_receive(half, cx) {
                // Where writes have failed there is no way for an alert.
                Poll::Ready(Ok(Err(failure))) if self.write_error.is_some() => {
                    return Poll::Ready(Err(failure.into()));
                }
                Poll::Ready(Ok(Err(failure))) => return self.poll_fail(half, cx, failure),
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(self.write_error.take().unwrap_or(error)));
                }
                _ if !self.connection.is_handshaking() => {}
                Poll::Ready(Ok(Ok(_))) if self.inbox.is_exhausted() => {
                    let error = self.write_error.take();
                    return Poll::Ready(Err(error.unwrap_or_else(|| ErrorKind::Truncated.into())));
                }
                Poll::Ready(Ok(Ok(_))) => {}
                Poll::Pending => match self.write_error.take() {
                    Some(error) => return Poll::Ready(Err(error)),
                    None if !blocked && self.connection.wants_write() => {}
                    None => return Poll::Pending,
                },
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ends a handshake that is done on our side.
    fn poll_last_flight(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        blocked: bool,
    ) -> Poll<io::Result<()>> {
        if !self.connection.is_awaited() {
            // The peer has all that it needs; if it never takes the rest, the next write will tell.
            return Poll::Ready(Ok(()));
        }
        if blocked {
            self.undelivered = true;
            self.take_arrived(half, cx);
            return Poll::Pending;
        }
        Poll::Ready(self.write_error.take().map_or(Ok(()), Err))
    }
}

impl<IO, C> fmt::Debug for Handshake<IO, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}

impl<IO, C> fmt::Debug for FallibleHandshake<IO, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallibleHandshake").finish_non_exhaustive()
    }
}
