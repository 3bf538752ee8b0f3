//! Reading a ClientHello.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};

use super::recorder::Recorder;
use super::{Hello, Replay};
use crate::server::StartHandshake;
use crate::stream::ReadClientHello;

/// How many bytes a ClientHello may have, its records counted: 64 KiB less two bytes, since rustls
/// reads no further once it holds more.
pub const LIMIT: usize = 64 * 1024 - 2;

/// Reads the ClientHello of the client on the transport `io`, and no byte behind it.
pub fn peek<IO>(io: IO) -> Peek<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    Peek {
        read: ReadClientHello::new(Acceptor::default()),
        recorder: Some(Recorder::new(io, LIMIT)),
        answers: true,
    }
}

/// A ClientHello that is being read; resolves to the [`Hello`]. Made by [`peek`].
///
/// It may come one byte at a time and in any number of records. While a client is silent, nothing
/// is kept for it beyond this.
///
/// # Errors
///
/// What the transport fails with; [`ErrorKind::Truncated`](crate::ErrorKind::Truncated) if it ends;
/// what rustls says of bytes that are no ClientHello, and
/// [`ErrorKind::TooLong`](crate::ErrorKind::TooLong) of one beyond the limit, after the client was
/// told by an alert. Polled after it has given the hello it fails again.
///
/// # Cancel safety
///
/// A poll that is dropped loses nothing: await it by reference (`(&mut peek).await`) and it can go
/// on later, or give the connection back with [`take_io`](Self::take_io). Nothing bounds its time:
/// wrap it in `tokio::time::timeout`.
pub struct Peek<IO> {
    read: ReadClientHello<Acceptor>,
    recorder: Option<Recorder<IO>>,
    answers: bool,
}

impl<IO> Peek<IO> {
    /// Reads at most `bytes`, if that is less than [`LIMIT`].
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        if let Some(recorder) = &mut self.recorder {
            recorder.set_limit(bytes.min(LIMIT));
        }
        self
    }

    /// Sends no alert when it fails, so that a connection that is no TLS, or none that rustls
    /// knows, can be passed on as it is with [`take_io`](Self::take_io).
    #[must_use]
    pub fn without_alert(mut self) -> Self {
        self.answers = false;
        self
    }

    /// Takes the connection back, after a failure or to give up waiting: a transport that gives
    /// what was read again.
    ///
    /// `None` if it was taken before, or went into the [`Hello`].
    pub fn take_io(&mut self) -> Option<Replay<IO>> {
        self.recorder.take().map(Recorder::into_replay)
    }
}

impl<IO> Future for Peek<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    type Output = io::Result<Hello<IO>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(recorder) = &mut this.recorder else {
            return Poll::Ready(Err(this.read.reason()));
        };
        // The acceptor sets memory aside as soon as it reads, and most of those who stall a server
        // send no byte, or a few.
        for _ in 0..1024 {
            let before = recorder.len();
            if !recorder.is_in_first_record() {
                break;
            }
            match ready!(recorder.poll_more(cx)) {
                Ok(()) if recorder.len() == before => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    this.read.fail(error);
                    break;
                }
                _ => {}
            }
        }
        let Some(accepted) = ready!(this.read.poll_accepted(recorder, cx)) else {
            return match this.answers {
                true => this.read.poll_refused(recorder.transport(), cx).map(Err),
                false => Poll::Ready(Err(this.read.reason())),
            };
        };
        let hello = this.recorder.take().map(|recorder| {
            let (bytes, io) = recorder.into_parts();
            Hello::new(StartHandshake::from_parts(accepted, io), bytes)
        });
        Poll::Ready(hello.ok_or_else(|| this.read.reason()))
    }
}

impl<IO: fmt::Debug> fmt::Debug for Peek<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peek")
            .field("recorder", &self.recorder)
            .finish_non_exhaustive()
    }
}
