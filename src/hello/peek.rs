//! Reading a ClientHello from a transport.

use std::fmt;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::parser::{Fault, Parser};
use super::{Incoming, Rewind};
use crate::callback::{CHUNKS_PER_POLL, poll_chunk};
use crate::engine::Alert;
use crate::error::ErrorKind;
use crate::stream::PendingAlert;

/// Reads the ClientHello of the client on the transport `io`, and no byte after it.
pub fn peek<IO>(io: IO) -> Peek<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    Peek {
        parser: Parser::new(),
        io: Some(io),
        state: State::Reading,
        answers: true,
    }
}

/// Reads a ClientHello, and resolves to the [`Incoming`] connection. Returned by [`peek`].
///
/// The ClientHello may arrive one byte at a time and in any number of records. Nothing is allocated
/// for a client that stays silent.
///
/// # Errors
///
/// - Errors of the transport, unchanged;
/// - [`ErrorKind::Truncated`] (`UnexpectedEof`) if the transport ends within the ClientHello or
///   before it;
/// - those of [`Parser::push`] for bytes that are not a ClientHello, as a [`rustls::Error`] where
///   there is one (`InvalidData`), once an alert was sent.
///
/// Polling it after completion returns an error.
///
/// # Cancel safety
///
/// It is cancel safe if it is awaited by reference (`(&mut peek).await`): no byte is lost, and it can
/// be awaited again, or return the connection with [`take_io`](Self::take_io). There is no timeout:
/// wrap it in `tokio::time::timeout`.
///
/// ```no_run
/// use pollback::hello::{self, Rewind};
/// use std::io;
/// use std::time::Duration;
/// use tokio::net::TcpStream;
/// use tokio::time::timeout;
///
/// /// Returns the server name, if there is one within a second, and the untouched connection.
/// async fn name(tcp: TcpStream) -> io::Result<(Option<String>, Rewind<TcpStream>)> {
///     let mut peek = hello::peek(tcp).without_alert();
///     match timeout(Duration::from_secs(1), &mut peek).await {
///         Ok(Ok(incoming)) => {
///             let name = incoming.client_hello().server_name().map(str::to_owned);
///             Ok((name, incoming.into_rewind()))
///         }
///         _ => peek.take_io().map(|io| (None, io)).ok_or_else(|| io::ErrorKind::NotConnected.into()),
///     }
/// }
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Peek<IO> {
    parser: Parser,
    io: Option<IO>,
    state: State,
    answers: bool,
}

enum State {
    Reading,
    /// The alert is being sent.
    Failed(PendingAlert, io::Error),
    Done,
}

/// Why there is no ClientHello.
enum Reason {
    Fault(Fault),
    Transport(io::Error),
}

impl<IO> Peek<IO> {
    /// Limits the length of the ClientHello, as [`Parser::with_limit`] does.
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.parser = self.parser.with_limit(bytes);
        self
    }

    /// Sends no alert on failure, so that the connection can be passed on with
    /// [`take_io`](Self::take_io).
    pub fn without_alert(mut self) -> Self {
        self.answers = false;
        self
    }

    /// Resolves to [`Peeked::Plain`] for clients that do not speak TLS, instead of failing.
    ///
    /// For most protocols in which the client speaks first, such as HTTP, its first byte decides. A
    /// client that waits for the server to speak first sends none.
    pub fn or_plain(self) -> PeekOrPlain<IO> {
        PeekOrPlain(self)
    }

    /// Returns what was read so far.
    pub fn bytes(&self) -> &[u8] {
        self.parser.bytes()
    }

    /// Returns the connection, after a failure or to stop waiting, as a transport from which everything
    /// is read again.
    ///
    /// Returns `None` if it was taken before or has become part of the result.
    pub fn take_io(&mut self) -> Option<Rewind<IO>> {
        let io = self.io.take()?;
        let parser = mem::take(&mut self.parser);
        Some(Rewind::new(parser.into_bytes(), io))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Peek<IO> {
    /// Reads until there is a ClientHello, or there can be none.
    fn poll_hello(&mut self, cx: &mut Context<'_>) -> Poll<Result<Incoming<IO>, Reason>> {
        let Some(io) = &mut self.io else {
            return Poll::Ready(Err(Reason::Transport(done())));
        };
        for _ in 0..CHUNKS_PER_POLL {
            let parser = &mut self.parser;
            let most = parser.missing();
            match ready!(poll_chunk(io, cx, most, |bytes| parser.take(bytes))) {
                Ok(Ok(0)) => {
                    return Poll::Ready(Err(Reason::Transport(ErrorKind::Truncated.into())));
                }
                Ok(Ok(_)) if self.parser.missing() > 0 => {}
                Ok(Ok(_)) => break,
                Ok(Err(fault)) => return Poll::Ready(Err(Reason::Fault(fault))),
                Err(error) => return Poll::Ready(Err(Reason::Transport(error))),
            }
        }
        if self.parser.missing() > 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let hello = mem::take(&mut self.parser).finish();
        let incoming = hello.zip(self.io.take());
        let (hello, io) = incoming.expect("nothing is missing");
        Poll::Ready(Ok(Incoming::new(hello, io)))
    }
}

impl<IO> Future for Peek<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = io::Result<Incoming<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let State::Reading = this.state {
            match ready!(this.poll_hello(cx)) {
                Ok(incoming) => {
                    this.state = State::Done;
                    return Poll::Ready(Ok(incoming));
                }
                Err(reason) => this.state = reason.into_state(this.answers),
            }
        }
        if let (State::Failed(alert, _), Some(io)) = (&mut this.state, &mut this.io) {
            ready!(alert.poll_deliver(io, cx));
        }
        Poll::Ready(Err(match mem::replace(&mut this.state, State::Done) {
            State::Failed(_, error) => error,
            State::Reading | State::Done => done(),
        }))
    }
}

/// Finds out whether a client speaks TLS, and resolves to [`Peeked`]. Returned by
/// [`Peek::or_plain`].
///
/// # Errors
///
/// As for [`Peek`], except that a client that does not speak TLS is not an error. If the transport
/// ends before the first byte, that is an error ([`ErrorKind::Truncated`]).
///
/// # Cancel safety
///
/// As for [`Peek`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
#[derive(Debug)]
pub struct PeekOrPlain<IO>(Peek<IO>);

/// The result of [`PeekOrPlain`].
#[derive(Debug)]
pub enum Peeked<IO> {
    /// TLS: the connection whose ClientHello was read.
    Tls(Incoming<IO>),
    /// Something else: the transport, from which every byte of the client can be read.
    Plain(Rewind<IO>),
}

impl<IO> PeekOrPlain<IO> {
    /// Like [`Peek::bytes`].
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// Like [`Peek::take_io`].
    pub fn take_io(&mut self) -> Option<Rewind<IO>> {
        self.0.take_io()
    }
}

impl<IO> Future for PeekOrPlain<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = io::Result<Peeked<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let peek = &mut self.get_mut().0;
        if let State::Reading = peek.state {
            match ready!(peek.poll_hello(cx)) {
                Err(Reason::Fault(fault)) if fault.is_not_tls() => {
                    peek.state = State::Done;
                    let plain = peek.take_io().map(Peeked::Plain);
                    return Poll::Ready(plain.ok_or_else(done));
                }
                Err(reason) => peek.state = reason.into_state(peek.answers),
                Ok(incoming) => {
                    peek.state = State::Done;
                    return Poll::Ready(Ok(Peeked::Tls(incoming)));
                }
            }
        }
        Pin::new(peek).poll(cx).map_ok(Peeked::Tls)
    }
}

impl Reason {
    fn into_state(self, answers: bool) -> State {
        match self {
            Self::Fault(fault) => {
                let alert = fault.answer().filter(|_| answers).map(Alert::fatal);
                State::Failed(
                    alert.map(PendingAlert::new).unwrap_or_default(),
                    fault.into(),
                )
            }
            // No alert can be sent on a transport that has failed.
            Self::Transport(error) => State::Failed(PendingAlert::default(), error),
        }
    }
}

fn done() -> io::Error {
    io::Error::other("`Peek` polled after completion")
}

impl<IO: fmt::Debug> fmt::Debug for Peek<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peek")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
