//! From attempt to poll: callbacks as a Tokio transport.

use std::io::{self, IoSlice, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

use super::attempt::first_slice;
use super::retry::poll_attempts;
use super::{Callback, Direction, Readiness, within};
use crate::error::ErrorKind;

/// A Tokio transport made of callbacks that each make one attempt.
///
/// Implements [`AsyncRead`] and [`AsyncWrite`]. `C` makes the attempts, usually
/// [`Callbacks`](super::Callbacks). `R` decides who wakes a task whose attempt would block: a
/// `Descriptor` (feature `fd`), the owner of a
/// [`ReadinessHandle`](super::ReadinessHandle), or, if the attempt itself registers the waker,
/// [`Polled`](super::Polled).
///
/// Each poll makes one attempt, which is repeated after `Interrupted`, and after a `WouldBlock` if the
/// readiness asks for it. Errors are returned unchanged. Once a shutdown has begun, writes fail with
/// [`ErrorKind::Closed`](crate::ErrorKind::Closed) and make no attempt. A read into an empty buffer
/// makes no attempt either. Each poll that makes progress is charged to the cooperative budget of its
/// task ([`tokio::task::coop`]), as with Tokio's sockets, so attempts that always succeed let other
/// tasks run.
///
/// # Cancel safety
///
/// A single read, write, flush or shutdown is cancel safe: nothing is kept between two polls, so an
/// operation that was dropped has moved no byte that it did not report.
///
/// ```
/// use pollback::callback::{CallbackIo, Callbacks, ReadinessHandle};
/// use std::io;
/// use std::sync::{Arc, Mutex};
/// use tokio::io::AsyncReadExt;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let inbox = Arc::new(Mutex::new(Vec::new()));
/// let (handle, readiness) = ReadinessHandle::new();
///
/// let arriving = Arc::clone(&inbox);
/// let read = move |buf: &mut [u8]| match arriving.lock().unwrap().pop() {
///     Some(byte) => {
///         buf[0] = byte;
///         Ok(1)
///     }
///     None => Err(io::ErrorKind::WouldBlock.into()),
/// };
/// let mut transport = CallbackIo::new(Callbacks::new(read, |buf: &[u8]| Ok(buf.len())), readiness);
///
/// let owner = std::thread::spawn(move || {
///     inbox.lock().unwrap().push(b'!');
///     handle.readable();
///     handle
/// });
/// assert_eq!(transport.read_u8().await.unwrap(), b'!');
/// # owner.join().unwrap();
/// # });
/// ```
#[derive(Debug)]
pub struct CallbackIo<C, R> {
    callback: C,
    readiness: R,
    closed: bool,
}

impl<C, R> CallbackIo<C, R> {
    /// Creates a transport that makes attempts with `callback` and waits with `readiness`.
    pub fn new(callback: C, readiness: R) -> Self {
        Self {
            callback,
            readiness,
            closed: false,
        }
    }

    /// Returns the callbacks.
    pub fn get_ref(&self) -> &C {
        &self.callback
    }

    /// Returns a mutable reference to the callbacks. What is read or written through it bypasses the
    /// transport.
    pub fn get_mut(&mut self) -> &mut C {
        &mut self.callback
    }

    /// Returns the callbacks and the readiness.
    pub fn into_parts(self) -> (C, R) {
        (self.callback, self.readiness)
    }
}

impl<C, R: Readiness> CallbackIo<C, R> {
    fn poll_attempt<T>(
        &mut self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut C) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        // Attempts that always succeed would otherwise starve the other tasks of the thread.
        let budget = ready!(poll_proceed(cx));
        let Self {
            callback,
            readiness,
            ..
        } = self;
        let answer = ready!(poll_attempts(
            cx,
            |_| attempt(callback),
            |cx| readiness.poll_blocked(direction, cx)
        ));
        budget.made_progress();
        Poll::Ready(answer)
    }

    fn poll_put(
        &mut self,
        cx: &mut Context<'_>,
        attempt: impl FnMut(&mut C) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if self.closed {
            return Poll::Ready(Err(ErrorKind::Closed.into()));
        }
        self.poll_attempt(Direction::Write, cx, attempt)
    }
}

// Neither field is ever pinned.
impl<C, R> Unpin for CallbackIo<C, R> {}

impl<C: Read, R: Readiness> AsyncRead for CallbackIo<C, R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let this = self.get_mut();
        let room = buf.initialize_unfilled();
        let stored = ready!(this.poll_attempt(Direction::Read, cx, |callback| {
            within(room.len(), callback.read(room))
        }))?;
        buf.advance(stored);
        Poll::Ready(Ok(()))
    }
}

impl<C: Callback, R: Readiness> AsyncWrite for CallbackIo<C, R> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll_put(cx, |callback| within(buf.len(), callback.write(buf)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // The default `write_vectored` of std offers one slice only, and its result could not be
        // compared with that offer.
        if !self.callback.has_write_vectored() {
            return self.poll_write(cx, first_slice(bufs));
        }
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        self.get_mut().poll_put(cx, |callback| {
            within(offered, callback.write_vectored(bufs))
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.callback.has_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut()
            .poll_attempt(Direction::Write, cx, |callback| callback.flush())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.closed = true;
        ready!(self.as_mut().poll_flush(cx))?;
        self.get_mut()
            .poll_attempt(Direction::Write, cx, Callback::shutdown)
    }
}
