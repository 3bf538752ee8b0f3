//! The futures of a handshake, the same for clients and servers.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::TlsStream;
use super::leftover::Leftover;
use super::pending_alert::PendingAlert;
use super::timeout::Timeout;
use crate::callback::unbudgeted;
use crate::engine::{Alert, Engine};
use crate::error::ErrorKind;
use crate::options::Options;

/// The future of a TLS handshake, which resolves to the stream.
///
/// Known as [`Connect`](crate::Connect) and [`Accept`](crate::Accept).
///
/// # Errors
///
/// - Errors of the transport, unchanged;
/// - TLS errors, of kind `InvalidData`, once the alert for the peer has been delivered;
/// - [`ErrorKind::Truncated`](crate::ErrorKind::Truncated) if the transport ends.
///
/// [`Error::find`](crate::Error::find) distinguishes them.
///
/// # Cancel safety
///
/// Dropping it aborts the handshake and drops the transport. There is no timeout unless one is set
/// ([`with_timeout`](Self::with_timeout)); it can also be wrapped in `tokio::time::timeout`.
///
/// # Panics
///
/// If it is polled after completion.
///
/// ```no_run
/// use pollback::server::TlsStream;
/// use pollback::{Options, TlsAcceptor};
/// use std::time::Duration;
/// use tokio::net::TcpStream;
///
/// # async fn accept(acceptor: &TlsAcceptor, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
/// let handshake = acceptor
///     .accept(tcp)
///     .with_options(Options::new().with_batched_writes(true))
///     .with_timeout(Duration::from_secs(10));
/// handshake.await
/// # }
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Handshake<IO, C>(State<IO, C>, Option<Leftover<IO>>);

/// Like [`Handshake`], but returns the transport on failure.
///
/// Known as [`FallibleConnect`](crate::FallibleConnect) and
/// [`FallibleAccept`](crate::FallibleAccept).
///
/// # Errors
///
/// Those of a [`Handshake`], together with the transport.
///
/// # Cancel safety
///
/// Dropping it aborts the handshake and drops the transport.
///
/// # Panics
///
/// If it is polled after completion.
///
/// ```no_run
/// use pollback::{Error, ErrorKind, TlsAcceptor, server::TlsStream};
/// use tokio::io::AsyncWriteExt;
/// use tokio::net::TcpStream;
///
/// /// Accepts a client, and sends one that does not speak TLS an explanation in plaintext.
/// async fn accept(acceptor: TlsAcceptor, tcp: TcpStream) -> Option<TlsStream<TcpStream>> {
///     match acceptor.accept(tcp).into_fallible().await {
///         Ok(stream) => Some(stream),
///         Err((error, mut tcp)) => {
///             let found = Error::find(&error).map(|error| error.kind());
///             if found == Some(ErrorKind::NotTls) {
///                 let _ = tcp.write_all(b"this port is for TLS\n").await;
///             }
///             None
///         }
///     }
/// }
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct FallibleHandshake<IO, C>(State<IO, C>);

enum State<IO, C> {
    /// With the options set so far.
    Running(TlsStream<IO, C>, Options, Timeout),
    NotStarted(PendingAlert, io::Error, IO),
    Done,
}

impl<IO, C> Handshake<IO, C> {
    pub(crate) fn new(stream: TlsStream<IO, C>) -> Self {
        let state = State::Running(stream, Options::new(), Timeout::default());
        Self(state, None)
    }

    /// A handshake that cannot be started.
    pub(crate) fn failed(io: IO, error: io::Error) -> Self {
        Self(State::NotStarted(PendingAlert::default(), error, io), None)
    }

    /// A handshake that is refused with an alert.
    pub(crate) fn refused(io: IO, alert: Alert, error: io::Error) -> Self {
        Self(State::NotStarted(PendingAlert::new(alert), error, io), None)
    }

    /// Stores the transport in `leftover` on failure, if there is one.
    pub(crate) fn leave_in(mut self, leftover: Option<Leftover<IO>>) -> Self {
        self.1 = leftover;
        self
    }

    /// Sets the options of the stream. Settings that `options` leave at their defaults remain those of
    /// the connector or acceptor.
    pub fn with_options(self, options: Options) -> Self
    where
        C: Engine,
    {
        Self(self.0.with_options(options), self.1)
    }

    /// Sets how long the handshake may take from its first poll, after which it fails with
    /// [`ErrorKind::HandshakeTimeout`](crate::ErrorKind::HandshakeTimeout) (`TimedOut`).
    ///
    /// With early data the future resolves before the handshake is complete, and the timeout ends with
    /// it.
    ///
    /// # Panics
    ///
    /// The first poll panics outside a Tokio runtime with its timer enabled.
    ///
    /// ```no_run
    /// # async fn connect(connector: pollback::TlsConnector, tcp: tokio::net::TcpStream) -> std::io::Result<()> {
    /// use pollback::ErrorKind;
    /// use std::time::Duration;
    ///
    /// let connect = connector.connect("example.com".try_into().unwrap(), tcp);
    /// match connect.with_timeout(Duration::from_secs(5)).await {
    ///     Ok(stream) => println!("connected: {:?}", stream.get_ref().1.protocol_version()),
    ///     Err(error) => match pollback::Error::find(&error).map(|found| found.kind()) {
    ///         Some(ErrorKind::HandshakeTimeout) => println!("the server took too long"),
    ///         _ => return Err(error),
    ///     },
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.set_timeout(Some(timeout));
        self
    }

    pub(crate) fn set_timeout(&mut self, timeout: Option<Duration>) {
        if let State::Running(_, _, running) = &mut self.0 {
            *running = timeout.map_or(Timeout::Unset, Timeout::Set);
        }
    }

    /// Resolves as soon as early data is accepted if `enabled`.
    pub(crate) fn resolve_early(mut self, enabled: bool) -> Self {
        if let State::Running(stream, ..) = &mut self.0 {
            stream.resolve_early(enabled);
        }
        self
    }

    /// Makes the future return the transport on failure.
    pub fn into_fallible(self) -> FallibleHandshake<IO, C> {
        FallibleHandshake(self.0)
    }

    /// Returns the transport, unless the future has resolved.
    pub fn get_ref(&self) -> Option<&IO> {
        match &self.0 {
            State::Running(stream, ..) => Some(&stream.io),
            State::NotStarted(_, _, io) => Some(io),
            State::Done => None,
        }
    }

    /// Returns a mutable reference to the transport, unless the future has resolved.
    pub fn get_mut(&mut self) -> Option<&mut IO> {
        match &mut self.0 {
            State::Running(stream, ..) => Some(&mut stream.io),
            State::NotStarted(_, _, io) => Some(io),
            State::Done => None,
        }
    }
}

impl<IO, C> FallibleHandshake<IO, C> {
    /// Like [`Handshake::with_options`].
    pub fn with_options(self, options: Options) -> Self
    where
        C: Engine,
    {
        Self(self.0.with_options(options))
    }
}

impl<IO, C: Engine> State<IO, C> {
    fn with_options(self, options: Options) -> Self {
        match self {
            Self::Running(stream, before, timeout) => {
                let options = options.or(before);
                Self::Running(stream.with_options(&options), options, timeout)
            }
            other => other,
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
        let this = &mut *self;
        this.0.poll(cx).map_err(|(error, io)| {
            if let Some(leftover) = &this.1 {
                leftover.put(io);
            }
            error
        })
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
            // With early data the stream is returned at once; its first operations perform the
            // handshake.
            Self::Running(stream, ..) if stream.is_early() => Ok(()),
            Self::Running(stream, _, timeout) => {
                timeout.start();
                match stream.poll_establish(cx) {
                    Poll::Ready(outcome) => outcome,
                    Poll::Pending => {
                        ready!(timeout.poll_over(cx));
                        // Without budget the transport was not asked.
                        match unbudgeted(cx, |cx| stream.poll_establish(cx)) {
                            Poll::Ready(outcome) => outcome,
                            Poll::Pending => Err(ErrorKind::HandshakeTimeout.into()),
                        }
                    }
                }
            }
            Self::NotStarted(alert, _, io) => {
                ready!(alert.poll_deliver(io, cx));
                Ok(())
            }
            Self::Done => Ok(()),
        };
        Poll::Ready(match (mem::replace(self, Self::Done), outcome) {
            (Self::Running(stream, ..), Ok(())) => Ok(stream),
            (Self::Running(stream, ..), Err(error)) => Err((error, stream.io)),
            (Self::NotStarted(_, error, io), _) => Err((error, io)),
            (Self::Done, _) => panic!("a handshake was polled after it had resolved"),
        })
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
