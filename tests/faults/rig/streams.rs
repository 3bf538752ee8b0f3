//! A common interface for the streams of all implementations.

use std::io::{self, Read};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pollback::stream::{TlsConnection, TlsStream};
use pollback::{Error, ErrorKind};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::attempting::Attempting;
use super::carrier::Io;
use crate::attempted::Attempted;

/// An established stream. Scenarios do not use operations that a stream does not support.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Updates the keys, and requests that the peer does the same.
    fn update_keys(&mut self) {
        unimplemented!("no keys")
    }

    /// Returns early data of the client, if reads do not return it.
    fn take_early(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// Reads from the lent buffer, as much as there is room for.
    fn poll_borrow(&mut self, _: &mut Context<'_>, _: usize) -> Poll<io::Result<Vec<u8>>> {
        unimplemented!("nothing is lent")
    }

    /// Disassembles and reassembles the stream.
    fn rebuilt(self: Box<Self>) -> Box<dyn Stream> {
        unimplemented!("no parts")
    }

    /// Creates a stream from the transport and the connection of this one.
    fn adopted(self: Box<Self>) -> Box<dyn Stream> {
        unimplemented!("no way back")
    }

    fn poll_end_tls(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        unimplemented!("no end of TLS")
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        unimplemented!("no close")
    }

    fn poll_finish_handshake(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        unimplemented!("no stream before the end of its handshake")
    }

    /// Returns the plaintext transport after the end of TLS.
    fn clear(self: Box<Self>) -> Box<dyn Stream> {
        unimplemented!("no end of TLS")
    }
}

/// A stream of the crate under test, which has all operations of a [`Stream`].
pub(super) trait Ours: AsyncRead + AsyncWrite + Unpin + Sized {
    fn update_keys(&mut self);

    fn poll_borrow(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<Vec<u8>>>;

    fn rebuilt(self) -> Self;

    fn adopted(self) -> Self;

    fn poll_end_tls(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn poll_finish_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    fn clear(self) -> Box<dyn Stream>;
}

macro_rules! stream {
    ($stream:ty) => {
        impl Stream for $stream {
            fn update_keys(&mut self) {
                Ours::update_keys(self);
            }

            fn poll_borrow(
                &mut self,
                cx: &mut Context<'_>,
                room: usize,
            ) -> Poll<io::Result<Vec<u8>>> {
                Ours::poll_borrow(self, cx, room)
            }

            fn rebuilt(self: Box<Self>) -> Box<dyn Stream> {
                Box::new(Ours::rebuilt(*self))
            }

            fn adopted(self: Box<Self>) -> Box<dyn Stream> {
                Box::new(Ours::adopted(*self))
            }

            fn poll_end_tls(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Ours::poll_end_tls(self, cx)
            }

            fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Ours::poll_close(self, cx)
            }

            fn poll_finish_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Ours::poll_finish_handshake(self, cx)
            }

            fn clear(self: Box<Self>) -> Box<dyn Stream> {
                Ours::clear(*self)
            }
        }
    };
}

stream!(pollback::TlsStream<Io>);
stream!(Attempting);
#[cfg(feature = "next")]
stream!(pollback::next::client::TlsStream<Io>);
#[cfg(feature = "next")]
stream!(pollback::next::server::TlsStream<Io>);
#[cfg(feature = "next")]
stream!(super::halves::InHalves<pollback::next::rustls::ClientSide>);
#[cfg(feature = "next")]
stream!(super::halves::InHalves<pollback::next::rustls::ServerSide>);

/// Performs an operation on the stream of either side.
macro_rules! on_either {
    ($either:expr, $stream:ident => $do:expr) => {
        match $either {
            pollback::TlsStream::Client($stream) => $do,
            pollback::TlsStream::Server($stream) => $do,
        }
    };
}

/// Operations that the stream of one side also has.
macro_rules! ours {
    ($stream:ty, $this:ident => $on:ident!($either:expr)) => {
        impl Ours for $stream {
            fn update_keys(&mut self) {
                let $this = self;
                $on!($either, stream => stream.get_mut().1.refresh_traffic_keys())
                    .expect("an established TLS 1.3 connection");
            }

            fn poll_borrow(
                &mut self,
                cx: &mut Context<'_>,
                room: usize,
            ) -> Poll<io::Result<Vec<u8>>> {
                let $this = self;
                $on!($either, stream => {
                    let lent = ready!(Pin::new(&mut *stream).poll_fill_buf(cx))?;
                    let taken = lent[..lent.len().min(room)].to_vec();
                    Pin::new(stream).consume(taken.len());
                    Poll::Ready(Ok(taken))
                })
            }

            fn rebuilt(self) -> Self {
                let $this = self;
                $on!($either, stream => rebuilt(stream).into())
            }

            fn adopted(self) -> Self {
                let $this = self;
                $on!($either, stream => adopted(stream).into())
            }

            // Cancelled and started again at every poll, like those below.
            fn poll_end_tls(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                pin!(self.end_tls()).poll(cx)
            }

            fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                pin!(self.close()).poll(cx)
            }

            fn poll_finish_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                pin!(self.finish_handshake()).poll(cx)
            }

            fn clear(self) -> Box<dyn Stream> {
                let $this = self;
                $on!($either, stream => clear(stream))
            }
        }
    };
}

ours!(pollback::TlsStream<Io>, stream => on_either!(stream));

#[cfg(feature = "next")]
macro_rules! on_the_only {
    ($only:expr, $stream:ident => $do:expr) => {{
        let $stream = $only;
        $do
    }};
}

#[cfg(feature = "next")]
ours!(pollback::next::client::TlsStream<Io>, stream => on_the_only!(stream));
#[cfg(feature = "next")]
ours!(pollback::next::server::TlsStream<Io>, stream => on_the_only!(stream));

pub(super) fn rebuilt<C: TlsConnection>(stream: TlsStream<Io, C>) -> TlsStream<Io, C> {
    stream.into_parts().into()
}

pub(super) fn adopted<C: TlsConnection>(stream: TlsStream<Io, C>) -> TlsStream<Io, C>
where
    TlsStream<Io, C>: From<(Io, C)>,
{
    stream.into_inner().into()
}

pub(super) fn clear<C: TlsConnection + 'static>(stream: TlsStream<Io, C>) -> Box<dyn Stream> {
    match stream.into_transport() {
        Ok(transport) => Box::new(Clear(Attempted(transport))),
        Err((error, stream)) => {
            let kind = Error::find(&error).map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::TrailingData), "TLS has ended");
            Box::new(Clear(Attempted(stream.into_parts())))
        }
    }
}

impl Stream for tokio_rustls::TlsStream<Io> {
    fn update_keys(&mut self) {
        match self {
            Self::Client(stream) => stream.get_mut().1.refresh_traffic_keys(),
            Self::Server(stream) => stream.get_mut().1.refresh_traffic_keys(),
        }
        .expect("an established TLS 1.3 connection");
    }

    fn take_early(&mut self) -> Vec<u8> {
        let mut early = Vec::new();
        if let Self::Server(stream) = self {
            if let Some(mut data) = stream.get_mut().1.early_data() {
                data.read_to_end(&mut early).expect("bytes in memory");
            }
        }
        early
    }
}

/// A transport without TLS that reports failures like a stream: it is used with attempts of the
/// crate under test, and its end is not authenticated.
struct Clear<T>(T);

impl<T: AsyncRead + Unpin> AsyncRead for Clear<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.0).poll_read(cx, buf))?;
        Poll::Ready(match buf.filled().len() > before {
            true => Ok(()),
            false => Err(Error::from(ErrorKind::Truncated).into()),
        })
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Clear<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for Clear<T> {}
