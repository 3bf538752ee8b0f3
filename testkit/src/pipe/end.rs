//! One end of the pipe, as a stream sees it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::control::{Control, Tally};
use super::faults::Operation;
use super::intervene::{Intervention, intervene};
use super::wire::{Side, View, Wire};

/// A transport. Dropping it closes both directions.
#[derive(Debug)]
pub struct End {
    wire: Wire,
    side: Side,
}

impl End {
    pub(super) fn new(wire: Wire, side: Side) -> Self {
        Self { wire, side }
    }

    /// A handle that inspects and controls this end.
    pub fn control(&self) -> Control {
        Control::new(self.wire.clone(), self.side)
    }

    /// Writes `bytes`: all of the `offered` bytes of a call, or at least as many as there is room
    /// for.
    fn write(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        offered: usize,
        vectored: bool,
    ) -> Poll<io::Result<usize>> {
        self.wire.locked(self.side, |view| {
            let answer = match intervene(view, cx, Operation::Write) {
                Intervention::Answer(answer) => answer.map_ok(|()| 0),
                Intervention::Proceed(most) => accept(view, cx, bytes, most),
                Intervention::TooMuch => {
                    let _ = accept(view, cx, bytes, usize::MAX);
                    Poll::Ready(Ok(offered.saturating_add(1)))
                }
            };
            let counts = &mut view.own.counts;
            let tally = if vectored {
                &mut counts.vectored
            } else {
                &mut counts.write
            };
            note(tally, &answer, |written| *written);
            answer
        })
    }
}

fn accept(
    view: &mut View<'_>,
    cx: &Context<'_>,
    bytes: &[u8],
    most: usize,
) -> Poll<io::Result<usize>> {
    if view.own.outgoing.closed || view.own.outgoing.abandoned {
        return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
    }
    let limit = view
        .own
        .faults
        .on(Operation::Write)
        .limit(bytes.len())
        .min(most);
    let taken = view.own.outgoing.accept(&bytes[..limit]);
    wake_reader(view);
    if taken == 0 && !bytes.is_empty() {
        view.own.outgoing.writer = Some(cx.waker().clone());
        return Poll::Pending;
    }
    Poll::Ready(Ok(taken))
}

/// Delivers the bytes that a buffering transport has not passed on.
fn deliver(view: &mut View<'_>, cx: &Context<'_>) -> Poll<io::Result<()>> {
    let complete = view.own.outgoing.deliver();
    wake_reader(view);
    if complete {
        return Poll::Ready(Ok(()));
    }
    if view.own.outgoing.abandoned {
        return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
    }
    view.own.outgoing.writer = Some(cx.waker().clone());
    Poll::Pending
}

fn close(view: &mut View<'_>, cx: &Context<'_>) -> Poll<io::Result<()>> {
    ready!(deliver(view, cx))?;
    view.own.outgoing.closed = true;
    wake_reader(view);
    Poll::Ready(Ok(()))
}

fn give(
    view: &mut View<'_>,
    cx: &Context<'_>,
    buf: &mut ReadBuf<'_>,
    most: usize,
) -> Poll<io::Result<()>> {
    let limit = view.own.faults.on(Operation::Read).limit(buf.remaining());
    let limit = limit.min(most);
    let bytes = view.incoming.take(limit);
    if bytes.is_empty() && limit > 0 && !view.incoming.closed {
        view.incoming.reader = Some(cx.waker().clone());
        return Poll::Pending;
    }
    buf.put_slice(&bytes);
    if !bytes.is_empty() {
        let writer = view.incoming.writer.take();
        view.wake(writer);
    }
    Poll::Ready(Ok(()))
}

fn wake_reader(view: &mut View<'_>) {
    if view.own.outgoing.unread() > 0 || view.own.outgoing.closed {
        let reader = view.own.outgoing.reader.take();
        view.wake(reader);
    }
}

fn note<T>(tally: &mut Tally, answer: &Poll<io::Result<T>>, bytes: impl FnOnce(&T) -> usize) {
    tally.add(match answer {
        Poll::Pending => None,
        Poll::Ready(Ok(value)) => Some(bytes(value)),
        Poll::Ready(Err(_)) => Some(0),
    });
}

impl AsyncRead for End {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wire.locked(self.side, |view| {
            let before = buf.filled().len();
            let answer = match intervene(view, cx, Operation::Read) {
                Intervention::Answer(answer) => answer,
                Intervention::Proceed(most) => give(view, cx, buf, most),
                Intervention::TooMuch => give(view, cx, buf, usize::MAX),
            };
            note(&mut view.own.counts.read, &answer, |()| {
                buf.filled().len() - before
            });
            answer
        })
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, bytes, bytes.len(), false)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.is_write_vectored() {
            let first = slices.iter().find(|slice| !slice.is_empty());
            let first: &[u8] = first.map_or(&[], |slice| slice);
            return self.write(cx, first, first.len(), true);
        }
        let room = self.wire.locked(self.side, |view| view.own.outgoing.most());
        let mut bytes = Vec::new();
        for slice in slices {
            let wanted = (room + 1).saturating_sub(bytes.len());
            bytes.extend_from_slice(&slice[..slice.len().min(wanted)]);
        }
        let offered = slices.iter().map(|slice| slice.len()).sum();
        self.write(cx, &bytes, offered, true)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.locked(self.side, |view| !view.own.faults.scalar)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.locked(self.side, |view| {
            let answer = match intervene(view, cx, Operation::Flush) {
                Intervention::Answer(answer) => answer,
                _ => deliver(view, cx),
            };
            note(&mut view.own.counts.flush, &answer, |()| 0);
            answer
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.locked(self.side, |view| {
            let unread = view.incoming.unread();
            view.own.counts.unread_at_shutdown.get_or_insert(unread);
            let answer = match intervene(view, cx, Operation::Shutdown) {
                Intervention::Answer(answer) => answer,
                _ => close(view, cx),
            };
            note(&mut view.own.counts.shutdown, &answer, |()| 0);
            answer
        })
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.wire.locked(self.side, |view| {
            view.own.outgoing.closed = true;
            view.incoming.abandoned = true;
            let (reader, writer) = (view.own.outgoing.reader.take(), view.incoming.writer.take());
            view.wake(reader);
            view.wake(writer);
        });
    }
}
