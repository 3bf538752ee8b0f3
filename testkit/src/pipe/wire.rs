//! The state shared by both ends, behind the only lock of the pipe.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use super::control::Counts;
use super::faults::{Faults, Operation};
use super::lane::Lane;

/// Which end of the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

#[derive(Clone)]
pub(super) struct Wire(Arc<Mutex<State>>);

struct State {
    left: SideState,
    right: SideState,
}

/// The state of one side: the lane it writes into, its faults, and the calls it received.
pub(super) struct SideState {
    pub(super) outgoing: Lane,
    pub(super) faults: Faults,
    pub(super) counts: Counts,
    /// The direction that will be woken, and after how many steps.
    pub(super) timers: Vec<(Operation, usize)>,
}

/// One side as seen while the lock is held.
pub(super) struct View<'a> {
    pub(super) own: &'a mut SideState,
    pub(super) incoming: &'a mut Lane,
    wake: Vec<Waker>,
}

impl View<'_> {
    /// Wakes the task after the lock is released: a waker may run any code.
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        self.wake.extend(waker);
    }

    /// Wakes all waiting tasks of both sides.
    pub(super) fn wake_all(&mut self) {
        for lane in [&mut self.own.outgoing, &mut *self.incoming] {
            self.wake.extend(lane.reader.take());
            self.wake.extend(lane.writer.take());
        }
    }

    /// Removes the waker for the direction of an operation: only the latest call counts, and it
    /// need not return `Pending`.
    pub(super) fn forget(&mut self, operation: Operation) {
        *self.slot(operation) = None;
    }

    /// Registers the waker for the direction of an operation.
    pub(super) fn park(&mut self, operation: Operation, cx: &Context<'_>) {
        *self.slot(operation) = Some(cx.waker().clone());
    }

    /// Wakes the task that waits for the direction of an operation.
    pub(super) fn unpark(&mut self, operation: Operation) {
        let waker = self.slot(operation).take();
        self.wake(waker);
    }

    fn slot(&mut self, operation: Operation) -> &mut Option<Waker> {
        match operation {
            Operation::Read => &mut self.incoming.reader,
            _ => &mut self.own.outgoing.writer,
        }
    }
}

impl Wire {
    pub(super) fn new(capacity: usize) -> Self {
        let side = || SideState {
            outgoing: Lane::new(capacity),
            faults: Faults::default(),
            counts: Counts::default(),
            timers: Vec::new(),
        };
        Self(Arc::new(Mutex::new(State {
            left: side(),
            right: side(),
        })))
    }

    pub(super) fn locked<T>(&self, side: Side, act: impl FnOnce(&mut View<'_>) -> T) -> T {
        // A test that panicked has reported why; dropping its ends must not panic again.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { left, right } = &mut *state;
        let (own, peer) = match side {
            Side::Left => (left, right),
            Side::Right => (right, left),
        };
        let mut view = View {
            own,
            incoming: &mut peer.outgoing,
            wake: Vec::new(),
        };
        let answer = act(&mut view);
        let wake = view.wake;
        drop(state);
        wake.into_iter().for_each(Waker::wake);
        answer
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}
