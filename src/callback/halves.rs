//! The two halves of a transport or a stream, which two tasks may use.

use std::sync::Arc;
use std::task::{Wake, Waker};

/// One half of a transport or a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Reader,
    Writer,
}

/// A waker that wakes the tasks of both halves.
pub(crate) fn waker_of_both(one: &Waker, other: &Waker) -> Waker {
    Waker::from(Arc::new(Both {
        one: one.clone(),
        other: other.clone(),
    }))
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
