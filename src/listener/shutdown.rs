//! Graceful shutdown: tracks open streams, and reports when all are closed.
//!
//! Uses three watch channels. The value of the first is the phase; everything that waits for a
//! phase subscribes to it. The others carry no value: they count receivers, and report when the
//! last one is dropped.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::callback::{Half, unbudgeted, waker_of_both};

/// How long streams have to send their close_notify once the grace time is over.
const CLOSING: Duration = Duration::from_secs(1);

/// Shuts a listener down gracefully, from any task or thread. Returned by
/// [`TlsListener::shutdown_handle`](super::TlsListener::shutdown_handle); clones are handles of the
/// same listener.
///
/// ```no_run
/// use pollback::listener::ShutdownHandle;
/// use std::time::Duration;
///
/// /// Gives connections half a minute after Ctrl-C.
/// async fn drain_on_interrupt(shutdown: ShutdownHandle) -> std::io::Result<()> {
///     tokio::signal::ctrl_c().await?;
///     match shutdown.drain(Duration::from_secs(30)).await {
///         0 => println!("all connections have ended"),
///         left => println!("{left} connections were aborted"),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ShutdownHandle(pub(super) Arc<Shutdown>);

impl ShutdownHandle {
    /// Stops accepting connections. Handshakes in flight continue, and the listener returns `None` after
    /// the last of them.
    ///
    /// The listening socket is closed when the listener is polled; a task that waits in
    /// [`accept`](super::TlsListener::accept) is woken for that.
    pub fn stop(&self) {
        self.0.advance(Phase::Stopping);
    }

    /// Waits until a handle stops the listener. Code that serves a connection can then finish it;
    /// an HTTP library closes idle connections, for example.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn stopped(&self) {
        self.0.reached(Phase::Stopping).await;
    }

    /// Waits until the grace period of a [`drain`](Self::drain) is over and connections are closed.
    /// Other work for these connections can be stopped then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect.
    pub async fn grace_ended(&self) {
        self.0.reached(Phase::Closing).await;
    }

    /// Stops accepting connections, and waits until all handshakes and streams have ended, at most for
    /// the grace period `grace`. Then handshakes are aborted and reported as failed, and each remaining
    /// stream sends close_notify and fails its reads and writes, all with
    /// [`ErrorKind::Ended`](crate::ErrorKind::Ended). After one more second every stream has failed,
    /// whether its peer has received the close_notify or not.
    ///
    /// Meanwhile the listener has to be polled, or dropped.
    ///
    /// Returns the number of streams that remained after the grace period: 0 if all have ended on
    /// their own.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped during the grace period, streams are not affected and the listener stays
    /// stopped. If it is dropped after that, streams fail at once.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.stop();
        if timeout(grace, self.0.idle()).await.is_ok() {
            return 0;
        }
        let left = self.0.streams.receiver_count();
        let _closed = CloseOnDrop(&self.0);
        self.0.advance(Phase::Closing);
        // Connections that do not even accept a close_notify are left to the kernel.
        let _ = timeout(CLOSING, self.0.idle()).await;
        left
    }
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHandle")
            .field("phase", &*self.0.phase.borrow())
            .finish_non_exhaustive()
    }
}

/// Closes everything if a drain is dropped while it is closing streams.
struct CloseOnDrop<'a>(&'a Shutdown);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.advance(Phase::Closed);
    }
}

/// The progress of the shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Accepting,
    /// The listener accepts no more connections.
    Stopping,
    /// Handshakes are dropped and streams are closed.
    Closing,
    /// Streams fail, closed or not.
    Closed,
}

/// State shared by a listener, its streams and its [`ShutdownHandle`]s.
pub(super) struct Shutdown {
    phase: watch::Sender<Phase>,
    /// The listener holds its receiver for as long as it may return streams.
    listening: watch::Sender<()>,
    /// Each stream has a receiver.
    streams: watch::Sender<()>,
}

impl Shutdown {
    /// Returns the shutdown of a listener, and a receiver that the listener holds for as long as it
    /// may return streams.
    pub(super) fn new() -> (Arc<Self>, watch::Receiver<()>) {
        let (listening, receiver) = watch::channel(());
        let shutdown = Self {
            phase: watch::Sender::new(Phase::Accepting),
            listening,
            streams: watch::Sender::new(()),
        };
        (Arc::new(shutdown), receiver)
    }

    fn advance(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let advances = *current < phase;
            *current = phase.max(*current);
            advances
        });
    }

    /// Waits until the phase is `phase`, or a later one.
    pub(super) async fn reached(&self, phase: Phase) {
        wait_for(self.phase.subscribe(), phase).await;
    }

    async fn idle(&self) {
        // In this order, since the listener may still return streams.
        self.listening.closed().await;
        self.streams.closed().await;
    }
}

async fn wait_for(mut phases: watch::Receiver<Phase>, phase: Phase) {
    // The sender outlives everything that waits.
    let _ = phases.wait_for(|current| *current >= phase).await;
}

/// Observes the phase of a shutdown.
pub(super) struct Observer {
    phases: watch::Receiver<Phase>,
    /// The phase seen last, so that checking it needs no lock.
    seen: Phase,
    /// Keeps the sender alive.
    shutdown: Arc<Shutdown>,
}

impl Observer {
    pub(super) fn new(shutdown: &Arc<Shutdown>) -> Self {
        let phases = shutdown.phase.subscribe();
        let seen = *phases.borrow();
        Self {
            phases,
            seen,
            shutdown: Arc::clone(shutdown),
        }
    }

    pub(super) fn shutdown(&self) -> &Arc<Shutdown> {
        &self.shutdown
    }

    pub(super) fn phase(&mut self) -> Phase {
        if self.phases.has_changed().unwrap_or(true) {
            self.seen = *self.phases.borrow_and_update();
        }
        self.seen
    }

    /// Ready once `phase` or a later one is reached. Until then the task is registered to be woken.
    pub(super) fn poll_reached(
        &mut self,
        wait: &mut Option<Wait>,
        phase: Phase,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.phase() >= phase {
            *wait = None;
            return Poll::Ready(());
        }
        match wait {
            // Its waker is still registered: only a change of the phase removes it.
            Some(wait)
                if wait.phase == phase
                    && wait.seen == self.seen
                    && wait.waker.will_wake(cx.waker()) =>
            {
                return Poll::Pending;
            }
            Some(wait) if wait.phase == phase => {
                wait.seen = self.seen;
                wait.waker.clone_from(cx.waker());
            }
            _ => {
                *wait = Some(Wait {
                    reached: Box::pin(wait_for(self.phases.clone(), phase)),
                    phase,
                    seen: self.seen,
                    waker: cx.waker().clone(),
                });
            }
        }
        match wait {
            // Without budget it would register no waker, and the next poll relies on that.
            Some(wait) => unbudgeted(cx, |cx| wait.reached.as_mut().poll(cx)),
            None => Poll::Pending,
        }
    }
}

/// A task that waits for a phase.
pub(super) struct Wait {
    reached: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    phase: Phase,
    /// The phase when the waker was registered.
    seen: Phase,
    waker: Waker,
}

/// A stream returned by a listener. It is counted until it is dropped, and its tasks are woken when
/// it is to be closed.
pub(super) struct Member {
    observer: Observer,
    waits: [Option<Wait>; 2],
    _counted: watch::Receiver<()>,
}

impl Member {
    pub(super) fn new(shutdown: &Arc<Shutdown>) -> Self {
        Self {
            observer: Observer::new(shutdown),
            waits: [None, None],
            _counted: shutdown.streams.subscribe(),
        }
    }

    pub(super) fn phase(&mut self) -> Phase {
        self.observer.phase()
    }

    pub(super) fn poll_reached(
        &mut self,
        half: Half,
        phase: Phase,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        self.observer
            .poll_reached(&mut self.waits[half as usize], phase, cx)
    }

    /// Returns a waker for a wait of both halves: it also wakes the task of the other half, in case
    /// that of `half` is gone.
    pub(super) fn waker_of_both(&self, half: Half, own: &Waker) -> Waker {
        match &self.waits[1 - half as usize] {
            Some(other) if !other.waker.will_wake(own) => waker_of_both(own, &other.waker),
            _ => own.clone(),
        }
    }

    /// Wakes the other half if it waits.
    pub(super) fn wake_other(&mut self, half: Half) {
        if let Some(other) = self.waits[1 - half as usize].take() {
            other.waker.wake();
        }
    }
}
