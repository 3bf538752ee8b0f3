//! Operations that make one attempt and never wait, and the futures that wait for readiness.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

#[cfg(feature = "bytes")]
use bytes::BufMut;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
#[cfg(any(feature = "fd", feature = "listener"))]
use tokio::io::{Interest, Ready};
use tokio::task::coop::poll_proceed;

use super::TlsStream;
use super::state::Phase;
use crate::callback::{Half, unbudgeted};
use crate::engine::Engine;

impl<IO, C> TlsStream<IO, C>
where
    IO: AsyncRead + AsyncWrite + Unpin,
    C: Engine,
{
    /// Makes one attempt to read into `buf`, and returns how many bytes it has read.
    ///
    /// Like [`TcpStream::try_read`](https://docs.rs/tokio/latest/tokio/net/struct.TcpStream.html#method.try_read):
    /// `Ok(0)` means that the peer has closed, or that `buf` is empty. A task that waits in a read of
    /// this stream keeps its wakeup.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if no plaintext has arrived: [`readable`](Self::readable) waits for it.
    /// Otherwise as for every read.
    ///
    /// ```no_run
    /// use pollback::client::TlsStream;
    /// use std::io;
    /// use tokio::net::TcpStream;
    ///
    /// async fn first_bytes(stream: &mut TlsStream<TcpStream>) -> io::Result<Vec<u8>> {
    ///     let mut buf = vec![0; 1024];
    ///     loop {
    ///         stream.readable().await?;
    ///         match stream.try_read(&mut buf) {
    ///             Ok(length) => {
    ///                 buf.truncate(length);
    ///                 return Ok(buf);
    ///             }
    ///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    /// }
    /// ```
    pub fn try_read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        self.attempt(Half::Reader, |stream, cx| {
            Pin::new(stream).poll_read(cx, &mut buf)
        })?;
        Ok(buf.filled().len())
    }

    /// Makes one attempt to read into `buf`, as much as it has room for, and returns how many bytes
    /// it has read.
    ///
    /// # Errors
    ///
    /// As for [`try_read`](Self::try_read).
    ///
    /// ```no_run
    /// use bytes::BytesMut;
    /// use pollback::client::TlsStream;
    /// use std::io;
    /// use tokio::net::TcpStream;
    ///
    /// /// Appends what has arrived, without waiting for more.
    /// fn collect(stream: &mut TlsStream<TcpStream>, buf: &mut BytesMut) -> io::Result<usize> {
    ///     buf.reserve(16 * 1024);
    ///     match stream.try_read_buf(buf) {
    ///         Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
    ///         result => result,
    ///     }
    /// }
    /// ```
    #[cfg(feature = "bytes")]
    #[cfg_attr(docsrs, doc(cfg(feature = "bytes")))]
    pub fn try_read_buf<B: BufMut>(&mut self, buf: &mut B) -> io::Result<usize> {
        let room = buf.remaining_mut();
        if room == 0 {
            return Ok(0);
        }
        let taken = self.attempt(Half::Reader, |stream, cx| {
            let lent = ready!(Pin::new(stream).poll_fill_buf(cx))?;
            let taken = lent.len().min(room);
            buf.put_slice(&lent[..taken]);
            Poll::Ready(Ok(taken))
        })?;
        Pin::new(self).consume(taken);
        Ok(taken)
    }

    /// Makes one attempt to write `buf`, and returns how many of its bytes were accepted.
    ///
    /// They are passed to the transport as by every write: what the transport does not accept is sent
    /// by later operations, at the latest by a flush or a read.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if no byte can be accepted: [`writable`](Self::writable) waits for that.
    /// Otherwise as for every write.
    ///
    /// ```no_run
    /// use pollback::client::TlsStream;
    /// use std::io;
    /// use tokio::net::TcpStream;
    ///
    /// /// Sends what can be sent at once, and drops the rest.
    /// fn report(stream: &mut TlsStream<TcpStream>, line: &[u8]) -> io::Result<usize> {
    ///     match stream.try_write(line) {
    ///         Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
    ///         result => result,
    ///     }
    /// }
    /// ```
    pub fn try_write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(buf)])
    }

    /// Makes one attempt to write the slices in order, and returns how many of their bytes were
    /// accepted.
    ///
    /// # Errors
    ///
    /// As for [`try_write`](Self::try_write).
    ///
    /// ```no_run
    /// use pollback::client::TlsStream;
    /// use std::io::{self, IoSlice};
    /// use tokio::net::TcpStream;
    ///
    /// /// One record and one write of the transport, for both parts.
    /// fn send(stream: &mut TlsStream<TcpStream>, head: &[u8], body: &[u8]) -> io::Result<usize> {
    ///     stream.try_write_vectored(&[IoSlice::new(head), IoSlice::new(body)])
    /// }
    /// ```
    pub fn try_write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.attempt(Half::Writer, |stream, cx| {
            Pin::new(stream).poll_write_vectored(cx, bufs)
        })
    }

    /// Waits until an attempt to read can return bytes, the end of the stream, or an error.
    ///
    /// Like a read, it sends buffered data and pending responses, and completes the handshake if
    /// necessary.
    ///
    /// # Errors
    ///
    /// None of its own: a failure is returned by the next read.
    ///
    /// # Cancel safety
    ///
    /// Nothing is read, so nothing is lost.
    ///
    /// ```no_run
    /// use pollback::client::TlsStream;
    /// use std::time::Duration;
    /// use tokio::{net::TcpStream, time::timeout};
    ///
    /// /// Returns whether the peer has sent something or has closed within a second.
    /// async fn is_alive(stream: &mut TlsStream<TcpStream>) -> bool {
    ///     timeout(Duration::from_secs(1), stream.readable()).await.is_ok()
    /// }
    /// ```
    pub async fn readable(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_read_ready(cx)).await
    }

    /// Waits until an attempt to write can return something.
    ///
    /// That is the case once the handshake is complete and everything that was written before was
    /// passed to the transport.
    ///
    /// # Errors
    ///
    /// None of its own: a failure is returned by the next write.
    ///
    /// # Cancel safety
    ///
    /// Nothing is written, so nothing is lost.
    ///
    /// ```no_run
    /// use pollback::client::TlsStream;
    /// use std::io;
    /// use tokio::net::TcpStream;
    ///
    /// /// Chooses what to send only when it can be sent.
    /// async fn send_newest(
    ///     stream: &mut TlsStream<TcpStream>,
    ///     newest: impl Fn() -> Vec<u8>,
    /// ) -> io::Result<usize> {
    ///     stream.writable().await?;
    ///     stream.try_write(&newest())
    /// }
    /// ```
    pub async fn writable(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_write_ready(cx)).await
    }

    /// Waits for any of the operations that `interest` names, and returns which are ready (features `fd`
    /// and `listener`, which enable these types of Tokio).
    ///
    /// # Errors
    ///
    /// `InvalidInput` if `interest` names neither reading nor writing: a stream cannot become ready
    /// for anything else. A failure is returned by the next read or write.
    ///
    /// # Cancel safety
    ///
    /// Nothing is read or written, so nothing is lost.
    ///
    /// ```no_run
    /// use pollback::client::TlsStream;
    /// use std::io;
    /// use tokio::{io::Interest, net::TcpStream};
    ///
    /// async fn turn(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    ///     let ready = stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
    ///     if ready.is_readable() {
    ///         // `try_read`
    ///     }
    ///     if ready.is_writable() {
    ///         // `try_write`
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[cfg(any(feature = "fd", feature = "listener"))]
    pub async fn ready(&mut self, interest: Interest) -> io::Result<Ready> {
        if !interest.is_readable() && !interest.is_writable() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        poll_fn(|cx| {
            let mut ready = Ready::EMPTY;
            if interest.is_readable() && self.poll_read_ready(cx)?.is_ready() {
                ready |= Ready::READABLE;
            }
            if interest.is_writable() && self.poll_write_ready(cx)?.is_ready() {
                ready |= Ready::WRITABLE;
            }
            match ready.is_empty() {
                true => Poll::Pending,
                false => Poll::Ready(Ok(ready)),
            }
        })
        .await
    }

    /// Polls for what [`readable`](Self::readable) waits for. The task counts as the one that reads.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn poll_read_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Err(error) = ready!(Pin::new(&mut *self).poll_fill_buf(cx)).map(drop) {
            if !matches!(self.phase, Phase::Failed(_)) {
                self.read_error = Some(error);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Polls for what [`writable`](Self::writable) waits for. The task counts as the one that
    /// writes.
    ///
    /// # Errors
    ///
    /// None of its own.
    pub fn poll_write_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.phase.is_closing() {
            return Poll::Ready(Ok(()));
        }
        // Attempts are not charged, so that a loop of both has to be charged here.
        let charge = ready!(poll_proceed(cx));
        let clear = self.poll_write_clear(cx);
        let cleared = ready!(self.leave_to_reader(cx, clear));
        charge.made_progress();
        if let Err(error) = cleared {
            if !matches!(self.phase, Phase::Failed(_)) {
                self.write_error = Some(error);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_clear(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_open_phase(Half::Writer, cx))?;
        match self.send_buffer.is_holding() && self.send_buffer.room() > 0 {
            // The batch has room for more.
            true => Poll::Ready(Ok(())),
            false => self.poll_write_io(Half::Writer, cx),
        }
    }

    /// Polls once without replacing the registered waker of a task that waits as this half.
    fn attempt<T>(
        &mut self,
        half: Half,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        // A transport remembers only the last waker, so poll with the one of the waiting task.
        let parked = self.waiters.registered(half);
        let waker = parked.as_ref().unwrap_or_else(|| Waker::noop());
        let answer = unbudgeted(&mut Context::from_waker(waker), |cx| poll(self, cx));
        match (&answer, &parked) {
            // This poll may have consumed the progress that the task waits for.
            (Poll::Ready(_), Some(parked)) => parked.wake_by_ref(),
            (Poll::Pending, Some(_)) => {}
            (_, None) => self.waiters.forget(half),
        }
        match answer {
            Poll::Ready(answer) => answer,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
