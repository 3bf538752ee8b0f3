//! The connections that a listener returns.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
#[cfg(feature = "proxy-protocol")]
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};

use super::shutdown::{Member, Phase};
use crate::callback::{Half, unbudgeted};
use crate::error::ErrorKind;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyHeader;
use crate::server::TlsStream;

/// A connection that a listener has established: the stream, and its peer.
///
/// Reads and writes are passed to the stream until the grace period of
/// [`ShutdownHandle::drain`](super::ShutdownHandle::drain) is over. Then the stream is shut down
/// with a close_notify, and both fail with [`ErrorKind::Ended`] (`ConnectionAborted`), at most one
/// second later.
///
/// The halves of `tokio::io::split` may be used by two tasks.
///
/// ```no_run
/// use pollback::listener::{SharedConfig, TlsListener};
/// use tokio::io::AsyncWriteExt;
/// use tokio::net::TcpListener;
///
/// # async fn serve(mut listener: TlsListener<TcpListener, SharedConfig>) {
/// while let Some(mut connection) = listener.accept().await {
///     tokio::spawn(async move {
///         let peer = connection.peer();
///         println!("{} asks for {:?}", peer.address, peer.handshake_data.server_name);
///         connection.write_all(b"hello\n").await?;
///         connection.close().await
///     });
/// }
/// # }
/// ```
pub struct Connection<S, P, F> {
    stream: S,
    peer: Peer<P, F>,
    member: Member,
    /// The timeout for the first byte, until it arrives.
    first_byte: Option<Pin<Box<Sleep>>>,
    /// Counts towards the limit on connections.
    _permit: Option<OwnedSemaphorePermit>,
}

/// The peer of a connection, and the parameters that the handshake has negotiated.
///
/// With axum it is the `ConnectInfo` of a handler.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer<P, F> {
    /// The address of the transport's peer.
    pub address: P,
    /// When the transport was accepted.
    pub since: Instant,
    /// What the handshake has negotiated.
    pub handshake_data: F,
    /// The client's PROXY header, from a trusted proxy.
    #[cfg(feature = "proxy-protocol")]
    pub proxy_header: Option<Arc<ProxyHeader>>,
}

impl<S, P, F> Connection<S, P, F> {
    pub(super) fn new(
        stream: S,
        peer: Peer<P, F>,
        member: Member,
        first_byte: Option<Duration>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            stream,
            peer,
            member,
            first_byte: first_byte.map(|time| Box::pin(sleep(time))),
            _permit: permit,
        }
    }

    /// Returns the peer.
    pub fn peer(&self) -> &Peer<P, F> {
        &self.peer
    }

    /// Returns the stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Returns a mutable reference to the stream. Operations that wait for it directly are not woken at
    /// the end of the grace period.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Returns the stream and its peer. The listener no longer waits for this stream, closes or counts
    /// it.
    pub fn into_parts(self) -> (S, Peer<P, F>) {
        (self.stream, self.peer)
    }
}

impl<IO, P, F> Connection<TlsStream<IO>, P, F>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Shuts the stream down, then reads and discards what the peer still sends, until the peer has
    /// closed too: see [`TlsStream::close`](crate::stream::TlsStream::close).
    ///
    /// # Errors
    ///
    /// Those of the stream, and [`ErrorKind::Ended`] one second after the grace period.
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped and the function called again; bytes read until then are
    /// discarded.
    pub async fn close(&mut self) -> io::Result<()> {
        let Self { stream, member, .. } = self;
        let mut closing = pin!(stream.close());
        poll_fn(|cx| match closing.as_mut().poll(cx) {
            Poll::Pending => member
                .poll_reached(Half::Writer, Phase::Closed, cx)
                .map(|()| Err(ErrorKind::Ended.into())),
            ready => ready,
        })
        .await
    }
}

impl<S: AsyncWrite + Unpin, P, F> Connection<S, P, F> {
    fn poll_stream<T>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.member.phase() < Phase::Closing {
            let result = poll(Pin::new(&mut self.stream), cx);
            if result.is_ready() {
                return result;
            }
            ready!(self.member.poll_reached(half, Phase::Closing, cx));
        }
        self.poll_close(half, cx)
    }

    /// Shuts the stream down, from whichever half is polled, then fails.
    fn poll_close<T>(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.poll_shut(half, cx).is_pending() {
            ready!(self.member.poll_reached(half, Phase::Closed, cx));
        }
        self.member.wake_other(half);
        // A stream whose shutdown fails has ended too.
        Poll::Ready(Err(ErrorKind::Ended.into()))
    }

    /// Shuts the stream down for both halves.
    fn poll_shut(&mut self, half: Half, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waker = self.member.waker_of_both(half, cx.waker());
        Pin::new(&mut self.stream).poll_shutdown(&mut Context::from_waker(&waker))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, P, F> Connection<S, P, F> {
    /// Polls for bytes of the peer. Fails if the first byte is too late.
    fn poll_receive<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let mut result = self.poll_stream(Half::Reader, cx, &mut poll);
        if let Some(deadline) = &mut self.first_byte {
            if result.is_pending() {
                ready!(unbudgeted(cx, |cx| deadline.as_mut().poll(cx)));
                // Without budget the transport was not asked.
                result = unbudgeted(cx, |cx| self.poll_stream(Half::Reader, cx, &mut poll));
            }
            if result.is_pending() {
                let error = "no byte arrived in time after the handshake";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, error)));
            }
            self.first_byte = None;
        }
        result
    }
}

// Only the stream is ever pinned, and it is `Unpin`.
impl<S: Unpin, P, F> Unpin for Connection<S, P, F> {}

impl<S: AsyncRead + AsyncWrite + Unpin, P, F> AsyncRead for Connection<S, P, F> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.get_mut()
            .poll_receive(cx, |stream, cx| stream.poll_read(cx, buf))
    }
}

impl<S: AsyncBufRead + AsyncWrite + Unpin, P, F> AsyncBufRead for Connection<S, P, F>
where
    S: AsyncRead,
{
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        let polled = this.poll_receive(cx, |stream, cx| stream.poll_fill_buf(cx).map_ok(drop));
        match ready!(polled) {
            // Polled again, since the borrow of the first call cannot be returned.
            Ok(()) => Pin::new(&mut this.stream).poll_fill_buf(cx),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.get_mut().stream).consume(amount);
    }
}

impl<S: AsyncWrite + Unpin, P, F> AsyncWrite for Connection<S, P, F> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll_stream(Half::Writer, cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_stream(Half::Writer, cx, |stream, cx| {
            stream.poll_write_vectored(cx, bufs)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut()
            .poll_stream(Half::Writer, cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.member.phase() < Phase::Closing {
            let result = Pin::new(&mut this.stream).poll_shutdown(cx);
            if result.is_ready() {
                return result;
            }
            ready!(this.member.poll_reached(Half::Writer, Phase::Closing, cx));
        }
        let result = this.poll_shut(Half::Writer, cx);
        if result.is_pending() {
            ready!(this.member.poll_reached(Half::Writer, Phase::Closed, cx));
            return Poll::Ready(Err(ErrorKind::Ended.into()));
        }
        this.member.wake_other(Half::Writer);
        result
    }
}

impl<S: fmt::Debug, P: fmt::Debug, F: fmt::Debug> fmt::Debug for Connection<S, P, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("stream", &self.stream)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

#[cfg(unix)]
mod descriptor {
    use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

    use super::Connection;

    /// The descriptor of the stream's transport.
    impl<S: AsFd, P, F> AsFd for Connection<S, P, F> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.stream.as_fd()
        }
    }

    impl<S: AsRawFd, P, F> AsRawFd for Connection<S, P, F> {
        fn as_raw_fd(&self) -> RawFd {
            self.stream.as_raw_fd()
        }
    }
}

#[cfg(windows)]
mod socket {
    use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

    use super::Connection;

    /// The socket of the stream's transport.
    impl<S: AsSocket, P, F> AsSocket for Connection<S, P, F> {
        fn as_socket(&self) -> BorrowedSocket<'_> {
            self.stream.as_socket()
        }
    }

    impl<S: AsRawSocket, P, F> AsRawSocket for Connection<S, P, F> {
        fn as_raw_socket(&self) -> RawSocket {
            self.stream.as_raw_socket()
        }
    }
}
