//! The layer between a stream and the pipe: none, or the adapters of the crate under test.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use pollback::callback::{Attempt, Callback, CallbackIo, Direction, ReadinessHandle, Signalled};
use pollback_testkit::pipe::End;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::attempted::Attempted;

/// The transport of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The pipe.
    Direct,
    /// From poll to attempt to poll, with a new `Attempt` in every poll.
    Attempted,
    /// From poll to attempt to poll, with callbacks whose readiness is announced through a handle.
    Signalled,
}

impl Carrier {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Attempted, Self::Signalled];

    pub(super) fn over(self, end: End) -> Io {
        match self {
            Self::Direct => Box::new(end),
            Self::Attempted => Box::new(Attempted(end)),
            Self::Signalled => {
                let (callbacks, readiness) = Announced::new(end);
                Box::new(CallbackIo::new(callbacks, readiness))
            }
        }
    }
}

/// A transport of any kind.
pub(super) type Io = Box<dyn Transport>;

pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Transport for T {}

/// Attempts at the pipe whose readiness is announced through a handle.
struct Announced {
    end: End,
    readable: Waker,
    writable: Waker,
}

struct Announcement(ReadinessHandle, Direction);

impl Wake for Announcement {
    fn wake(self: Arc<Self>) {
        match self.1 {
            Direction::Read => self.0.readable(),
            Direction::Write => self.0.writable(),
        }
    }
}

impl Announced {
    fn new(end: End) -> (Self, Signalled) {
        let (handle, readiness) = ReadinessHandle::new();
        let announced = Self {
            end,
            readable: Arc::new(Announcement(handle.clone(), Direction::Read)).into(),
            writable: Arc::new(Announcement(handle, Direction::Write)).into(),
        };
        (announced, readiness)
    }

    fn on_write<T>(
        &mut self,
        attempt: impl FnOnce(&mut Attempt<'_, '_, End>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut context = Context::from_waker(&self.writable);
        attempt(&mut Attempt::new(Pin::new(&mut self.end), &mut context))
    }
}

impl Read for Announced {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut context = Context::from_waker(&self.readable);
        Attempt::new(Pin::new(&mut self.end), &mut context).read(buf)
    }
}

impl Write for Announced {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.on_write(|attempt| attempt.write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.on_write(|attempt| attempt.write_vectored(bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.on_write(|attempt| attempt.flush())
    }
}

impl Callback for Announced {
    fn has_write_vectored(&self) -> bool {
        self.end.is_write_vectored()
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.on_write(|attempt| attempt.shutdown())
    }
}
