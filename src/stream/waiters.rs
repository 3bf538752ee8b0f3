//! The tasks that wait for the transport.

use std::mem;
use std::task::Waker;

use crate::callback::{Direction, Half, waker_of_both};

/// Which half waits for which direction of the transport. The transport itself remembers only the
/// last waker for each direction.
///
/// A reader that flushes waits for writes of the transport, as the writer does, and a writer that
/// performs a handshake waits for its reads. So the half that polls last must register a waker that
/// wakes both.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Indexed by direction, then by half.
    waits: [[bool; 2]; 2],
}

impl Waiters {
    /// The waker to register instead of `own`, if the other half waits for this direction too.
    #[inline]
    pub(super) fn joined(&self, direction: Direction, half: Half, own: &Waker) -> Option<Waker> {
        let other = match half {
            Half::Reader if self.is_waiting(direction, Half::Writer) => &self.writer,
            Half::Writer if self.is_waiting(direction, Half::Reader) => &self.reader,
            _ => return None,
        };
        match other {
            Some(other) if !other.will_wake(own) => Some(waker_of_both(own, other)),
            _ => None,
        }
    }

    /// Records that `half` waits: the transport was polled for it and returned `Pending`.
    #[inline]
    pub(super) fn register(&mut self, direction: Direction, half: Half, waker: &Waker) {
        self.waits[direction as usize][half as usize] = true;
        match self.slot(half) {
            Some(registered) => registered.clone_from(waker),
            empty => *empty = Some(waker.clone()),
        }
    }

    /// Records that a poll for `half` was ready, and wakes the other half: it may be waiting for
    /// the same progress, and the transport need not wake it any more.
    #[inline]
    pub(super) fn made_progress(&mut self, direction: Direction, half: Half) {
        drop(self.leave(direction, half));
        self.wake(
            direction,
            match half {
                Half::Reader => Half::Writer,
                Half::Writer => Half::Reader,
            },
        );
    }

    /// The waker of `half` if it is waiting.
    pub(super) fn registered(&mut self, half: Half) -> Option<Waker> {
        let waits =
            self.is_waiting(Direction::Read, half) || self.is_waiting(Direction::Write, half);
        waits.then(|| self.slot(half).clone()).flatten()
    }

    /// Removes all registrations of `half`.
    pub(super) fn forget(&mut self, half: Half) {
        drop(self.leave(Direction::Read, half));
        drop(self.leave(Direction::Write, half));
    }

    /// Wakes `half` if it waits for `direction`.
    #[inline]
    pub(super) fn wake(&mut self, direction: Direction, half: Half) {
        if let Some(waker) = self.leave(direction, half) {
            waker.wake();
        }
    }

    /// Removes the registration of `half`, and returns its waker if it was waiting.
    #[inline]
    fn leave(&mut self, direction: Direction, half: Half) -> Option<Waker> {
        if !mem::take(&mut self.waits[direction as usize][half as usize]) {
            return None;
        }
        // A waker kept longer than needed would keep the memory of its task alive.
        if self.is_waiting(Direction::Read, half) || self.is_waiting(Direction::Write, half) {
            self.slot(half).clone()
        } else {
            self.slot(half).take()
        }
    }

    #[inline]
    pub(super) fn is_waiting(&self, direction: Direction, half: Half) -> bool {
        self.waits[direction as usize][half as usize]
    }

    fn slot(&mut self, half: Half) -> &mut Option<Waker> {
        match half {
            Half::Reader => &mut self.reader,
            Half::Writer => &mut self.writer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use Direction::{Read, Write};

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Wakes>, Waker) {
        let wakes = Arc::new(Wakes::default());
        (Arc::clone(&wakes), wakes.into())
    }

    fn count(wakes: &Wakes) -> usize {
        wakes.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_half_that_is_alone_uses_its_own_waker() {
        let (_, reader) = task();
        let mut waiters = Waiters::default();
        waiters.register(Read, Half::Reader, &reader);
        assert!(waiters.joined(Read, Half::Reader, &reader).is_none());
    }

    #[test]
    fn two_halves_of_one_task_use_its_own_waker() {
        let (_, task) = task();
        let mut waiters = Waiters::default();
        waiters.register(Read, Half::Reader, &task);
        assert!(waiters.joined(Read, Half::Writer, &task).is_none());
    }

    #[test]
    fn a_joined_waker_wakes_both_tasks() {
        let ((reads, reader), (writes, writer)) = (task(), task());
        let mut waiters = Waiters::default();
        waiters.register(Read, Half::Reader, &reader);
        let joined = waiters
            .joined(Read, Half::Writer, &writer)
            .expect("two tasks");
        joined.wake();
        assert_eq!((count(&reads), count(&writes)), (1, 1));
    }

    #[test]
    fn progress_of_one_half_wakes_the_other_once() {
        let ((reads, reader), (writes, writer)) = (task(), task());
        let mut waiters = Waiters::default();
        waiters.register(Read, Half::Reader, &reader);
        waiters.register(Read, Half::Writer, &writer);
        waiters.made_progress(Read, Half::Reader);
        waiters.made_progress(Read, Half::Reader);
        assert_eq!((count(&reads), count(&writes)), (0, 1));
    }

    #[test]
    fn only_the_latest_waker_of_a_half_counts() {
        let ((old, stale), (new, latest)) = (task(), task());
        let mut waiters = Waiters::default();
        waiters.register(Read, Half::Writer, &stale);
        waiters.register(Read, Half::Writer, &latest);
        waiters.wake(Read, Half::Writer);
        assert_eq!((count(&old), count(&new)), (0, 1));
    }

    #[test]
    fn a_half_waits_for_each_direction_by_itself() {
        let ((reads, reader), (_, writer)) = (task(), task());
        let mut waiters = Waiters::default();
        waiters.register(Read, Half::Reader, &reader);
        waiters.register(Write, Half::Reader, &reader);
        assert!(waiters.joined(Read, Half::Writer, &writer).is_some());
        waiters.made_progress(Write, Half::Writer);
        waiters.made_progress(Write, Half::Writer);
        assert_eq!(count(&reads), 1);
        waiters.made_progress(Read, Half::Writer);
        assert_eq!(count(&reads), 2);
        assert!(waiters.joined(Read, Half::Writer, &writer).is_none());
    }

    #[test]
    fn no_waker_is_kept_for_a_half_that_does_not_wait() {
        let (reads, reader) = task();
        let mut waiters = Waiters::default();
        waiters.register(Read, Half::Reader, &reader);
        waiters.register(Write, Half::Reader, &reader);
        drop(reader);
        waiters.made_progress(Read, Half::Reader);
        assert_eq!(Arc::strong_count(&reads), 2);
        waiters.made_progress(Write, Half::Reader);
        assert_eq!(Arc::strong_count(&reads), 1);
        assert_eq!(count(&reads), 0);
    }
}
