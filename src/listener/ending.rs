//! The end of a listener: who is still there, and who is told when it is over.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long streams have to send their close_notify once the grace time is over.
const CLOSING: Duration = Duration::from_secs(1);

/// Ends a listener from anywhere. Made by [`TlsListener::ending`](super::TlsListener::ending);
/// clones end the same one.
#[derive(Clone)]
pub struct Ending(pub(super) Arc<Tracker>);

impl Ending {
    /// Makes the listener accept no more. Handshakes in flight go on, and the listener gives `None`
    /// after the last of them.
    ///
    /// The listening socket is closed as soon as the listener is polled, which a task that waits in
    /// [`accept`](super::TlsListener::accept) is woken for.
    pub fn stop(&self) {
        self.0.advance(Phase::Stopping);
    }

    /// Waits until the listener is told to end. What serves a connection can then come to its own
    /// end: an HTTP library closes idle connections, say.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    pub async fn stopped(&self) {
        loop {
            let changed = self.0.changed.notified();
            if self.0.phase() != Phase::Accepting {
                return;
            }
            changed.await;
        }
    }

    /// Makes the listener accept no more and waits until all its handshakes and streams are gone,
    /// for `grace` at most. Then handshakes are dropped and reported as failed, and each stream that is
    /// left sends close_notify and fails its reader and writer, all with
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended); for that they have one more second.
    ///
    /// The listener has to be polled meanwhile, or dropped.
    ///
    /// Gives the number of streams that were left when the grace time was over: 0 if everything has
    /// ended of itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping it before the grace time is over leaves the streams alone; the listener stays
    /// stopped.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.stop();
        if timeout(grace, self.0.idle()).await.is_ok() {
            return 0;
        }
        let left = self.0.lock().streams.len();
        self.0.advance(Phase::Closing);
        // What does not even take a close_notify is left to the kernel.
        let _ = timeout(CLOSING, self.0.idle()).await;
        left
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending")
            .field("phase", &self.0.phase())
            .finish_non_exhaustive()
    }
}

/// What a listener does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    Accepting,
    /// It accepts no more.
    Stopping,
    /// Handshakes are dropped and streams are closed.
    Closing,
}

/// What a listener, its streams and its [`Ending`]s share.
pub(super) struct Tracker {
    /// Looked at with each use of a stream, so not behind the lock.
    phase: AtomicU8,
    state: Mutex<State>,
    changed: Notify,
    /// Apart from the above, which wakes on lesser occasions, and would wake every handshake.
    closing: Notify,
}

struct State {
    /// Whether the listener is there and may still give streams.
    listening: bool,
    listener: Option<Waker>,
    streams: HashMap<u64, Arc<Parked>>,
    next: u64,
}

/// The tasks that wait for a stream.
#[derive(Default)]
pub(super) struct Parked(Mutex<[Option<Waker>; 2]>);

impl Tracker {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(Phase::Accepting as u8),
            state: Mutex::new(State {
                listening: true,
                listener: None,
                streams: HashMap::new(),
                next: 0,
            }),
            changed: Notify::new(),
            closing: Notify::new(),
        })
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::SeqCst) {
            0 => Phase::Accepting,
            1 => Phase::Stopping,
            _ => Phase::Closing,
        }
    }

    fn advance(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::SeqCst);
        let (listener, streams) = {
            let mut state = self.lock();
            let streams: Vec<_> = match phase {
                Phase::Closing => state.streams.values().cloned().collect(),
                _ => Vec::new(),
            };
            (state.listener.take(), streams)
        };
        self.changed.notify_waiters();
        if phase == Phase::Closing {
            self.closing.notify_waiters();
        }
        // Wakers run code of others, so not under the lock.
        listener.into_iter().for_each(Waker::wake);
        streams.iter().for_each(|parked| parked.wake());
    }

    /// Waits until handshakes are to be dropped.
    pub(super) async fn closing(&self) {
        let closing = self.closing.notified();
        if self.phase() != Phase::Closing {
            closing.await;
        }
    }

    /// Has the listener's task woken when the phase changes.
    pub(super) fn park_listener(&self, waker: &Waker) {
        let previous = self.lock().listener.replace(waker.clone());
        drop(previous);
    }

    /// Notes that the listener will give no more streams.
    pub(super) fn end_listening(&self) {
        self.lock().listening = false;
        self.changed.notify_waiters();
    }

    async fn idle(&self) {
        loop {
            let changed = self.changed.notified();
            let is_idle = {
                let state = self.lock();
                !state.listening && state.streams.is_empty()
            };
            if is_idle {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which task of a stream waits.
#[derive(Clone, Copy)]
pub(super) enum Half {
    Reader,
    Writer,
}

impl Parked {
    fn park(&self, half: Half, waker: &Waker) {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut parked[half as usize] {
            Some(parked) => parked.clone_from(waker),
            empty => *empty = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        let parked = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        parked.into_iter().flatten().for_each(Waker::wake);
    }
}

/// Counts a stream for as long as it lives.
pub(super) struct Guard {
    tracker: Arc<Tracker>,
    parked: Arc<Parked>,
    id: u64,
}

impl Guard {
    pub(super) fn new(tracker: &Arc<Tracker>) -> Self {
        let parked = Arc::new(Parked::default());
        let mut state = tracker.lock();
        let id = state.next;
        state.next += 1;
        state.streams.insert(id, Arc::clone(&parked));
        drop(state);
        Self {
            tracker: Arc::clone(tracker),
            parked,
            id,
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.tracker.phase() == Phase::Closing
    }

    /// Has the task woken when the stream is to be closed; says whether it is.
    pub(super) fn park(&self, half: Half, waker: &Waker) -> bool {
        self.parked.park(half, waker);
        self.is_closing()
    }

    /// Wakes the tasks that wait.
    pub(super) fn wake(&self) {
        self.parked.wake();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let left = {
            let mut state = self.tracker.lock();
            state.streams.remove(&self.id);
            state.streams.len()
        };
        if left == 0 {
            self.tracker.changed.notify_waiters();
        }
    }
}
