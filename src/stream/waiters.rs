//! The tasks that wait for one direction of the transport.

use std::sync::Arc;
use std::task::{Wake, Waker};

/// A half of the stream. Each may be used by a task of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Reader,
    Writer,
}

/// Who waits for one direction of the transport, which itself remembers only the last waker.
///
/// A reader that pushes bytes out waits for the transport's writes, as the writer does, and a
/// writer that completes a handshake waits for its reads. So the one that polls last has to wake
/// both.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Waiters {
    /// What to give to the transport instead of `own`, if the other half waits here too.
    pub(super) fn joined(&self, half: Half, own: &Waker) -> Option<Waker> {
        let other = match half {
            Half::Reader => &self.writer,
            Half::Writer => &self.reader,
        };
        match other {
            Some(other) if !other.will_wake(own) => Some(Waker::from(Arc::new(Both {
                one: own.clone(),
                other: other.clone(),
            }))),
            _ => None,
        }
    }

    /// Remembers that `half` waits: the transport was polled for it and answered `Pending`.
    pub(super) fn park(&mut self, half: Half, waker: &Waker) {
        match self.slot(half) {
            Some(parked) => parked.clone_from(waker),
            empty => *empty = Some(waker.clone()),
        }
    }

    /// Remembers that `half` has got an answer, and wakes the other one: the answer may be what it
    /// waits for, and the transport need not wake anybody any more.
    pub(super) fn advance(&mut self, half: Half) {
        *self.slot(half) = None;
        let other = match half {
            Half::Reader => Half::Writer,
            Half::Writer => Half::Reader,
        };
        if let Some(waker) = self.slot(other).take() {
            waker.wake();
        }
    }

    fn slot(&mut self, half: Half) -> &mut Option<Waker> {
        match half {
            Half::Reader => &mut self.reader,
            Half::Writer => &mut self.writer,
        }
    }
}

struct Both {
    one: Waker,
    other: Waker,
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.one.wake_by_ref();
        self.other.wake_by_ref();
    }
}
