//! The future of a relay.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::clock::Clock;
use super::endpoint::Endpoint;
use super::error::{Cause, RelayError};
use super::flow::{Common, Flow, State};

/// Copies bytes between a client and a backend in both directions, until both streams have ended.
///
/// This future resolves to how many bytes were [`Moved`]. It owns both streams, or borrows them.
///
/// # End of stream and failures
///
/// - When one stream ends, the other is flushed and shut down for writing, and the opposite direction
///   continues: a half-close is forwarded as a half-close. The relay ends when both streams have.
/// - When a read fails (a reset, a truncation), what was read before is written out and flushed, and
///   the relay ends with that error.
/// - When a write fails, what that side has sent before is still copied, and bytes for it are read and
///   discarded meanwhile, so that no reset overtakes its response. Then the relay ends with the error
///   of that write.
/// - A relay that is dropped before both streams have ended, after an error or earlier,
///   [aborts](Endpoint::abort) each stream that was not shut down, so that no peer mistakes a truncated
///   stream for a complete one. A TCP socket sends a reset, which may overtake bytes that were just
///   sent.
///
/// # Errors
///
/// [`RelayError`] contains the [`Cause`], and how many bytes were moved until then.
///
/// # Cancel safety
///
/// A relay is cancel safe if it is awaited by reference (`(&mut relay).await`): it can be awaited
/// again, or disassembled with [`into_parts`](Self::into_parts), without losing a byte. Dropping it
/// aborts both streams.
///
/// ```
/// use pollback::relay::{AbortByDrop, Relay};
/// use std::time::Duration;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
/// use tokio::time::timeout;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let (mut client, near_client) = duplex(64);
/// let (mut backend, near_backend) = duplex(64);
/// let mut relay = Relay::new(AbortByDrop(near_client), AbortByDrop(near_backend));
///
/// client.write_all(b"a question").await.unwrap();
/// // Neither stream ends, so stop waiting.
/// assert!(timeout(Duration::from_millis(1), &mut relay).await.is_err());
/// assert_eq!(relay.moved().to_backend, 10);
///
/// let mut question = [0; 10];
/// backend.read_exact(&mut question).await.unwrap();
/// drop((client, backend));
/// assert_eq!(relay.await.unwrap().to_client, 0);
/// # });
/// ```
///
/// # Panics
///
/// If it is polled after completion; with a timeout or a time limit also outside a Tokio runtime with
/// its timer enabled.
#[must_use = "futures do nothing unless they are polled"]
pub struct Relay<C: Endpoint, B: Endpoint> {
    client: Owned<C>,
    backend: Owned<B>,
    to_backend: Flow,
    to_client: Flow,
    common: Common,
    clock: Clock,
    /// Which direction is polled first. It alternates: a direction with enough to do can use up what
    /// tokio allows the task in one poll.
    is_to_client_first: bool,
    has_returned: bool,
}

/// How many bytes each side has accepted.
///
/// Bytes count once the stream that they are written to has accepted them; for TLS, plaintext counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// From the client to the backend.
    pub to_backend: u64,
    /// From the backend to the client.
    pub to_client: u64,
}

/// The parts of a relay.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parts<C, B> {
    /// The client's stream.
    pub client: C,
    /// The backend's stream.
    pub backend: B,
    /// Bytes that were read from the client and that the backend has not accepted.
    pub to_backend: Vec<u8>,
    /// Bytes that were read from the backend and that the client has not accepted.
    pub to_client: Vec<u8>,
    /// How many bytes were moved.
    pub moved: Moved,
    /// What has failed already, if the relay was still writing what came before a failure, or reading
    /// after a write that has failed. The stream may not return the error again.
    pub cause: Option<Cause>,
}

impl<C: Endpoint, B: Endpoint> Relay<C, B> {
    /// Creates a relay between two streams, which are not used before it is polled.
    pub fn new(client: C, backend: B) -> Self {
        Self {
            client: Owned::new(client),
            backend: Owned::new(backend),
            to_backend: Flow::new(Cause::Client, Cause::Backend),
            to_client: Flow::new(Cause::Backend, Cause::Client),
            common: Common {
                quota: u64::MAX,
                cause: None,
            },
            clock: Clock::new(),
            is_to_client_first: false,
            has_returned: false,
        }
    }

    /// Ends with [`Cause::Idle`] once no byte has moved in either direction for this long. By default
    /// there is no timeout.
    ///
    /// Bytes that a peer does not accept do not count as moved.
    pub fn with_idle_timeout(mut self, timeout: Duration) -> Self {
        self.clock.set_idle(timeout);
        self
    }

    /// Ends with [`Cause::TimeLimit`] this long after the relay was created. By default there is no limit.
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.clock.set_limit(limit);
        self
    }

    /// Ends with [`Cause::ByteLimit`] when there are more bytes than this in both directions
    /// together, once the limit was moved. By default there is no limit.
    pub fn with_byte_limit(mut self, limit: u64) -> Self {
        self.common.quota = limit;
        self
    }

    /// Returns how many bytes were moved so far.
    pub fn moved(&self) -> Moved {
        Moved {
            to_backend: self.to_backend.moved(),
            to_client: self.to_client.moved(),
        }
    }

    /// Returns the streams of the client and the backend.
    pub fn get_ref(&self) -> (&C, &B) {
        (self.client.stream(), self.backend.stream())
    }

    /// Disassembles the relay without losing a byte or an error. Neither stream is aborted.
    ///
    /// Streams that were written to may not have been flushed.
    pub fn into_parts(self) -> Parts<C, B> {
        Parts {
            to_backend: self.to_backend.pending().to_vec(),
            to_client: self.to_client.pending().to_vec(),
            moved: self.moved(),
            cause: self.common.cause,
            client: self.client.into_stream(),
            backend: self.backend.into_stream(),
        }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self {
            to_backend,
            to_client,
            common,
            ..
        } = self;
        let (client, backend) = (self.client.stream_mut(), self.backend.stream_mut());
        let before = common.quota;
        let mut have_ended = true;
        for is_to_client in [self.is_to_client_first, !self.is_to_client_first] {
            let polled = match is_to_client {
                true => to_client.poll(backend, client, to_backend.masks_reset(), common, cx),
                false => to_backend.poll(client, backend, to_client.masks_reset(), common, cx),
            };
            have_ended &= polled.is_ready();
        }
        self.is_to_client_first = !self.is_to_client_first;
        self.client.is_shut = to_client.state() == State::Closed;
        self.backend.is_shut = to_backend.state() == State::Closed;
        if common.quota < before {
            self.clock.note_progress();
        }
        if have_ended {
            return Poll::Ready(());
        }
        if [to_backend.state(), to_client.state()].contains(&State::Broken) {
            return Poll::Ready(());
        }
        self.clock.poll(cx).map(|cause| {
            common.cause.get_or_insert(cause);
        })
    }
}

impl<C: Endpoint, B: Endpoint> Future for Relay<C, B> {
    type Output = Result<Moved, RelayError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        assert!(!this.has_returned, "a relay was polled after completion");
        std::task::ready!(this.poll_ended(cx));
        this.has_returned = true;
        this.to_backend.flush_last(this.backend.stream_mut(), cx);
        this.to_client.flush_last(this.client.stream_mut(), cx);
        let moved = this.moved();
        Poll::Ready(match this.common.cause.take() {
            None => Ok(moved),
            Some(cause) => Err(RelayError { cause, moved }),
        })
    }
}

impl<C: Endpoint, B: Endpoint> fmt::Debug for Relay<C, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("moved", &self.moved())
            .field("to_backend", &self.to_backend.state())
            .field("to_client", &self.to_client.state())
            .finish_non_exhaustive()
    }
}

/// A stream that is aborted when it is dropped before it was shut down.
struct Owned<S: Endpoint> {
    /// `None` only while it is taken out.
    stream: Option<S>,
    is_shut: bool,
}

impl<S: Endpoint> Owned<S> {
    fn new(stream: S) -> Self {
        Self {
            stream: Some(stream),
            is_shut: false,
        }
    }

    fn stream(&self) -> &S {
        self.stream.as_ref().expect("it is present until the end")
    }

    fn stream_mut(&mut self) -> &mut S {
        self.stream.as_mut().expect("it is present until the end")
    }

    fn into_stream(mut self) -> S {
        self.stream.take().expect("it is present until the end")
    }
}

impl<S: Endpoint> Drop for Owned<S> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.as_mut().filter(|_| !self.is_shut) {
            stream.abort();
        }
    }
}
