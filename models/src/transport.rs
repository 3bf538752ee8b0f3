//! A transport whose other end is another thread, and an engine that does not change bytes.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::sync::Mutex;
use loom::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::{Divide, Engine, Failure, InputBuffer, Owes, ReceiveError, Received};

/// The end of the stream; the thread at the other end has a clone. Like a socket it stores the
/// latest waker of each direction.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    inbound: VecDeque<u8>,
    outbound: Vec<u8>,
    room: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
    peer: Option<Waker>,
}

impl Wire {
    /// Nothing to read, and no room to write.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State::default())))
    }

    fn locked<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().expect("no panic"))
    }

    /// The peer sends.
    pub(crate) fn deliver(&self, bytes: &[u8]) {
        let reader = self.locked(|state| {
            state.inbound.extend(bytes);
            state.reader.take()
        });
        reader.into_iter().for_each(Waker::wake);
    }

    /// The peer makes room.
    pub(crate) fn make_room(&self, room: usize) {
        let writer = self.locked(|state| {
            state.room += room;
            state.writer.take()
        });
        writer.into_iter().for_each(Waker::wake);
    }

    /// Waits, as the peer, until these bytes have arrived, in any order.
    pub(crate) fn poll_received(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<()> {
        self.locked(|state| {
            if bytes.iter().all(|byte| state.outbound.contains(byte)) {
                return Poll::Ready(());
            }
            state.peer = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.locked(|state| match state.inbound.pop_front() {
            Some(byte) => {
                buf.put_slice(&[byte]);
                Poll::Ready(Ok(()))
            }
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        })
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = self.locked(|state| {
            let taken = bytes.len().min(state.room);
            state.room -= taken;
            state.outbound.extend(&bytes[..taken]);
            match taken {
                0 => {
                    state.writer = Some(cx.waker().clone());
                    Err(())
                }
                _ => Ok((taken, state.peer.take())),
            }
        });
        match taken {
            Ok((taken, peer)) => {
                peer.into_iter().for_each(Waker::wake);
                Poll::Ready(Ok(taken))
            }
            Err(()) => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A request of the peer for [`ANSWER`]. Like a key update, it is not plaintext.
pub(crate) const REQUEST: u8 = b'?';
pub(crate) const ANSWER: u8 = b'!';

/// An engine without a handshake and without encryption.
#[derive(Default)]
pub(crate) struct Plain {
    arrived: Vec<u8>,
    owed: Vec<u8>,
    /// In a divided connection: what the other direction has to send.
    asked: Option<Asked>,
}

struct Asked {
    /// Whether the sender has to respond. rustls stores this under a lock of its own.
    answer: Arc<AtomicBool>,
    /// Whether the receiver has reported it.
    owes: bool,
}

impl Divide for Plain {
    type Receiver = Self;
    type Sender = Self;

    fn divide(self) -> Result<(Self, Self), Self> {
        let answer = Arc::new(AtomicBool::new(false));
        let direction = |arrived, owed| Self {
            arrived,
            owed,
            asked: Some(Asked {
                answer: Arc::clone(&answer),
                owes: false,
            }),
        };
        Ok((
            direction(self.arrived, Vec::new()),
            direction(Vec::new(), self.owed),
        ))
    }

    fn unite(receiver: Self, sender: Self) -> Self {
        Self {
            arrived: receiver.arrived,
            owed: sender.owed,
            asked: None,
        }
    }
}

impl Owes for Plain {
    fn take_owes(&mut self) -> bool {
        let asked = self.asked.as_mut();
        asked.is_some_and(|asked| std::mem::take(&mut asked.owes))
    }
}

impl Engine for Plain {
    fn is_handshaking(&self) -> bool {
        false
    }

    fn is_awaited(&self) -> bool {
        false
    }

    fn wants_write(&self) -> bool {
        !self.owed.is_empty()
    }

    fn receive(
        &mut self,
        input: &mut InputBuffer,
        source: &mut dyn Read,
        wanted: usize,
    ) -> Result<Received, ReceiveError> {
        if input.is_empty() {
            input
                .fill(wanted, source)
                .map_err(ReceiveError::Transport)?;
        }
        let taken = input.filled().len();
        self.stow(input);
        Ok(match taken {
            0 => Received::End,
            taken => Received::Record(taken),
        })
    }

    fn accept(&mut self, input: &mut InputBuffer, _: usize) -> Result<Option<usize>, Failure> {
        let taken = input.filled().len();
        self.stow(input);
        Ok((taken > 0).then_some(taken))
    }

    fn absorb(&mut self, input: &mut InputBuffer) -> Result<(), Failure> {
        self.stow(input);
        Ok(())
    }

    fn stow(&mut self, input: &mut InputBuffer) {
        for byte in input.filled() {
            match (*byte, &mut self.asked) {
                (REQUEST, None) => self.owed.push(ANSWER),
                (REQUEST, Some(asked)) => {
                    asked.answer.store(true, Ordering::SeqCst);
                    asked.owes = true;
                }
                (byte, _) => self.arrived.push(byte),
            }
        }
        input.clear();
    }

    fn plaintext<'a>(&'a mut self, _: &'a mut InputBuffer) -> io::Result<&'a [u8]> {
        match self.arrived.is_empty() {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => Ok(&self.arrived),
        }
    }

    fn consume(&mut self, _: &mut InputBuffer, taken: usize) {
        self.arrived.drain(..taken);
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let before = self.owed.len();
        slices
            .iter()
            .for_each(|slice| self.owed.extend_from_slice(slice));
        Ok(self.owed.len() - before)
    }

    fn send_early(&mut self, _: &[u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn is_early_data_accepted(&self) -> bool {
        false
    }

    fn limit_queue(&mut self, _: Option<usize>) {}

    fn queue_responses(&mut self) {
        if let Some(asked) = &self.asked {
            if asked.answer.swap(false, Ordering::SeqCst) {
                self.owed.push(ANSWER);
            }
        }
    }

    fn transmit(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let taken = sink.write(&self.owed)?;
        self.owed.drain(..taken);
        Ok(taken)
    }

    fn close(&mut self) {}
}
