//! From poll to attempt: a Tokio transport during one poll, as `std::io::Read + Write`.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Callback, within};
use crate::error::{Error, ErrorKind};

/// A Tokio transport during one poll, as [`Read`] and [`Write`].
///
/// Each call polls the transport once. `WouldBlock` means that the transport returned `Pending`
/// and has registered the waker of the [`Context`]; every other error is that of the transport,
/// unchanged. An error `WouldBlock` *of the transport* registers no waker, so it is returned as an
/// [`ErrorKind::Unregistered`] with the original as its source.
///
/// ```
/// use pollback::callback::Attempt;
/// use std::io::{self, Read};
/// use std::pin::Pin;
/// use std::task::{Context, Waker};
/// # use tokio::io::AsyncWriteExt;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (mut transport, mut peer) = tokio::io::duplex(64);
/// let mut cx = Context::from_waker(Waker::noop());
/// let mut buffer = [0; 16];
///
/// let mut attempt = Attempt::new(Pin::new(&mut transport), &mut cx);
/// let nothing_yet = attempt.read(&mut buffer).unwrap_err();
/// assert_eq!(nothing_yet.kind(), io::ErrorKind::WouldBlock);
///
/// peer.write_all(b"hello").await.unwrap();
/// let mut attempt = Attempt::new(Pin::new(&mut transport), &mut cx);
/// assert_eq!(attempt.read(&mut buffer).unwrap(), 5);
/// # });
/// ```
pub struct Attempt<'a, 'cx, T: ?Sized> {
    transport: Pin<&'a mut T>,
    cx: &'a mut Context<'cx>,
}

impl<'a, 'cx, T: ?Sized> Attempt<'a, 'cx, T> {
    /// Creates a value that makes attempts at `transport` with the waker of `cx`.
    pub fn new(transport: Pin<&'a mut T>, cx: &'a mut Context<'cx>) -> Self {
        Self { transport, cx }
    }
}

impl<T: AsyncRead + ?Sized> Read for Attempt<'_, '_, T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let offered = buf.len();
        let start = buf.as_ptr();
        let mut buf = ReadBuf::new(buf);
        let answer = self.transport.as_mut().poll_read(self.cx, &mut buf);
        let stored = within(offered, registered(answer.map_ok(|()| buf.filled().len())))?;
        // A transport may replace our buffer with one of any other length.
        if buf.filled().as_ptr() != start {
            let reason = format!("{stored} bytes were stored in another buffer");
            return Err(Error::because(ErrorKind::OverReported, reason).into());
        }
        Ok(stored)
    }
}

impl<T: AsyncWrite + ?Sized> Write for Attempt<'_, '_, T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let answer = self.transport.as_mut().poll_write(self.cx, buf);
        within(buf.len(), registered(answer))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        // Without vectored writes the transport would be offered one slice only, and its result
        // could not be compared with that offer.
        if !self.transport.is_write_vectored() {
            return self.write(first_slice(bufs));
        }
        let offered = bufs.iter().map(|buf| buf.len()).sum();
        let answer = self.transport.as_mut().poll_write_vectored(self.cx, bufs);
        within(offered, registered(answer))
    }

    fn flush(&mut self) -> io::Result<()> {
        registered(self.transport.as_mut().poll_flush(self.cx))
    }
}

impl<T: AsyncRead + AsyncWrite + ?Sized> Callback for Attempt<'_, '_, T> {
    fn has_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn shutdown(&mut self) -> io::Result<()> {
        registered(self.transport.as_mut().poll_shutdown(self.cx))
    }
}

impl<T: fmt::Debug + ?Sized> fmt::Debug for Attempt<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}

/// The slice to offer to a transport without vectored writes.
pub(super) fn first_slice<'a>(bufs: &'a [IoSlice<'_>]) -> &'a [u8] {
    bufs.iter()
        .find(|buf| !buf.is_empty())
        .map_or(&[], |buf| &**buf)
}

/// Returns `WouldBlock` for `Pending`, and only for that.
#[inline]
fn registered<T>(answer: Poll<io::Result<T>>) -> io::Result<T> {
    match answer {
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(Error::because(ErrorKind::Unregistered, error).into())
        }
        Poll::Ready(answer) => answer,
    }
}
