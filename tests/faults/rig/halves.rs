//! Streams on rustls 0.24 that are split into owned halves where possible, and reunited for
//! operations that only a whole stream has.

use std::future::Future;
use std::io::{self, IoSlice};
use std::mem;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use pollback::next::{ReadHalf, Side, TlsStream, WriteHalf};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::carrier::Io;
use super::streams::{Ours, Stream, adopted, clear, rebuilt};

type Reader<S> = ReadHalf<tokio::io::ReadHalf<Io>, tokio::io::WriteHalf<Io>, S>;
type Writer<S> = WriteHalf<tokio::io::WriteHalf<Io>, S>;

pub(super) struct InHalves<S: Side> {
    form: Form<S>,
    /// The wakers of the last waiting tasks, by half. In a program no task waits when it splits or
    /// reunites a stream.
    waiting: [Option<Waker>; 2],
}

enum Form<S: Side> {
    Whole(TlsStream<Io, S>),
    Halves(Reader<S>, Writer<S>),
    /// During a conversion.
    Neither,
}

impl<S: Side> From<TlsStream<Io, S>> for InHalves<S> {
    fn from(stream: TlsStream<Io, S>) -> Self {
        Self {
            form: Form::Whole(stream),
            waiting: [None, None],
        }
    }
}

impl<S: Side> InHalves<S> {
    /// Splits the stream, if its handshake is over.
    fn split(&mut self) -> &mut Form<S> {
        self.form = match mem::replace(&mut self.form, Form::Neither) {
            Form::Whole(stream) => match stream.into_split_with(tokio::io::split) {
                Ok((reader, writer)) => {
                    self.wake();
                    Form::Halves(reader, writer)
                }
                Err(stream) => Form::Whole(stream),
            },
            form => form,
        };
        &mut self.form
    }

    /// Reunites the stream.
    fn unite(&mut self) -> &mut TlsStream<Io, S> {
        self.form = match mem::replace(&mut self.form, Form::Neither) {
            Form::Halves(reader, writer) => {
                self.wake();
                let united = reader.unsplit_with(writer, tokio::io::ReadHalf::unsplit);
                Form::Whole(united.map_err(drop).expect("both of one stream"))
            }
            form => form,
        };
        match &mut self.form {
            Form::Whole(stream) => stream,
            _ => unreachable!("it is whole"),
        }
    }

    fn into_whole(mut self) -> TlsStream<Io, S> {
        self.unite();
        match self.form {
            Form::Whole(stream) => stream,
            _ => unreachable!("it is whole"),
        }
    }

    fn wake(&mut self) {
        let waiting = self.waiting.iter_mut().filter_map(Option::take);
        waiting.for_each(Waker::wake);
    }

    /// The half or stream from which the task of `cx` reads.
    fn reader(&mut self, cx: &Context<'_>) -> Pin<&mut (dyn AsyncBufRead + Unpin)> {
        self.waiting[0] = Some(cx.waker().clone());
        match self.split() {
            Form::Whole(stream) => Pin::new(stream),
            Form::Halves(reader, _) => Pin::new(reader),
            Form::Neither => unreachable!("it is whole or in halves"),
        }
    }

    /// The half or stream to which the task of `cx` writes.
    fn writer(&mut self, cx: &Context<'_>) -> Pin<&mut (dyn AsyncWrite + Unpin)> {
        self.waiting[1] = Some(cx.waker().clone());
        match self.split() {
            Form::Whole(stream) => Pin::new(stream),
            Form::Halves(_, writer) => Pin::new(writer),
            Form::Neither => unreachable!("it is whole or in halves"),
        }
    }
}

impl<S: Side> AsyncRead for InHalves<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.reader(cx).poll_read(cx, buf)
    }
}

impl<S: Side> AsyncWrite for InHalves<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writer(cx).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writer(cx).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer(cx).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer(cx).poll_shutdown(cx)
    }
}

impl<S: Side> Ours for InHalves<S> {
    fn update_keys(&mut self) {
        match self.split() {
            Form::Whole(stream) => stream.get_mut().1.refresh_traffic_keys(),
            Form::Halves(_, writer) => writer.refresh_traffic_keys(),
            Form::Neither => unreachable!("it is whole or in halves"),
        }
        .expect("an established TLS 1.3 connection");
    }

    fn poll_borrow(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<Vec<u8>>> {
        let mut reader = self.reader(cx);
        let lent = ready!(reader.as_mut().poll_fill_buf(cx))?;
        let taken = lent[..lent.len().min(room)].to_vec();
        reader.consume(taken.len());
        Poll::Ready(Ok(taken))
    }

    fn rebuilt(self) -> Self {
        rebuilt(self.into_whole()).into()
    }

    fn adopted(self) -> Self {
        adopted(self.into_whole()).into()
    }

    fn poll_end_tls(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting[1] = Some(cx.waker().clone());
        pin!(self.unite().end_tls()).poll(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting[1] = Some(cx.waker().clone());
        pin!(self.unite().close()).poll(cx)
    }

    fn poll_finish_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting[1] = Some(cx.waker().clone());
        pin!(self.unite().finish_handshake()).poll(cx)
    }

    fn clear(self) -> Box<dyn Stream> {
        clear(self.into_whole())
    }
}
