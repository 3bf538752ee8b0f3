//! The accept loop.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::accepting::{Accepting, FailedHandshake, Outcome};
use super::backoff::Backoff;
use super::limit::ConnectionLimit;
use super::linger;
use super::settings::{Settings, WhenFull};
use super::shutdown::{Member, Observer, Phase, Shutdown, Wait};
#[cfg(feature = "handshake-threads")]
use super::threads::HandshakeThreads;
use super::{AcceptError, Connection, Handshaker, Listener, ShutdownHandle, Stage};

/// How many connections one poll processes.
const STEPS_PER_POLL: usize = 32;

/// The connections that a listener returns.
pub type Accepted<L, H> = Connection<
    <H as Handshaker<<L as Listener>::Io>>::Stream,
    <L as Listener>::Peer,
    <H as Handshaker<<L as Listener>::Io>>::HandshakeData,
>;

/// Decides which peers may send a header of the PROXY protocol.
#[cfg(feature = "proxy-protocol")]
pub(super) type Trusts<P> = Box<dyn Fn(&P) -> bool + Send>;

/// Accepts transports from `L`, performs their handshakes with `H`, and returns established
/// connections.
///
/// See the [module](super) for an example and an overview. It is also a [`Stream`] that never
/// yields an error: failures are reported to [`on_failure`](Self::on_failure).
///
/// Dropping it closes the listening socket and aborts the handshakes in flight. Connections that it has
/// returned remain.
pub struct TlsListener<L: Listener, H: Handshaker<L::Io>> {
    /// `None` once no more are accepted.
    source: Option<L>,
    handshaker: H,
    handshakes: JoinSet<Outcome<L::Io, L::Peer, H>>,
    /// Clients whose handshakes have failed and that may still send.
    lingering: JoinSet<()>,
    /// Limits concurrent handshake steps; created with the first handshake, when its runtime is
    /// known.
    steps: Option<Arc<Semaphore>>,
    backoff: Backoff,
    pub(super) settings: Settings,
    pub(super) connections: Option<ConnectionLimit>,
    pub(super) runtime: Option<Handle>,
    #[cfg(feature = "handshake-threads")]
    pub(super) threads: Option<HandshakeThreads>,
    #[cfg(feature = "proxy-protocol")]
    pub(super) trusts: Option<Trusts<L::Peer>>,
    pub(super) report: Box<dyn FnMut(AcceptError<L::Peer>) + Send>,
    observer: Observer,
    stop: Option<Wait>,
    /// While held, tells those waiting for the shutdown that more streams may follow.
    listening: Option<watch::Receiver<()>>,
}

impl<L: Listener, H: Handshaker<L::Io>> TlsListener<L, H> {
    /// Creates a listener that accepts from `source`. `handshaker` is a
    /// [`SharedConfig`](super::SharedConfig), a [`ConfigsByName`](super::ConfigsByName), the result of
    /// [`handshake_fn`](super::handshake_fn), or your own implementation.
    ///
    /// By default a handshake may take 10 seconds, 65,536 may be in flight, and failures are not
    /// reported.
    pub fn new(source: L, handshaker: H) -> Self {
        let (shutdown, listening) = Shutdown::new();
        Self {
            source: Some(source),
            handshaker,
            handshakes: JoinSet::new(),
            lingering: JoinSet::new(),
            steps: None,
            backoff: Backoff::default(),
            settings: Settings::default(),
            connections: None,
            runtime: None,
            #[cfg(feature = "handshake-threads")]
            threads: None,
            #[cfg(feature = "proxy-protocol")]
            trusts: None,
            report: Box::new(drop),
            observer: Observer::new(&shutdown),
            stop: None,
            listening: Some(listening),
        }
    }

    /// Returns a handle that shuts the listener down, from any task or thread.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        ShutdownHandle(Arc::clone(self.observer.shutdown()))
    }

    /// Returns the address where transports are accepted.
    ///
    /// # Errors
    ///
    /// If it is not known, or if the listener has stopped (`NotConnected`).
    pub fn local_addr(&self) -> io::Result<L::Peer> {
        match &self.source {
            Some(source) => source.local_addr(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Waits for the next established connection. Returns `None` once the listener has stopped.
    ///
    /// # Cancel safety
    ///
    /// This function is cancel safe: handshakes continue, and the next call returns their connections.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with its timer enabled.
    pub async fn accept(&mut self) -> Option<Accepted<L, H>> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Accepted<L, H>>> {
        for _ in 0..STEPS_PER_POLL {
            let stop = &mut self.stop;
            if let Poll::Ready(()) = self.observer.poll_reached(stop, Phase::Stopping, cx) {
                self.source = None;
            }
            while let Poll::Ready(Some(_)) = self.lingering.poll_join_next(cx) {}
            match self.handshakes.poll_join_next(cx) {
                Poll::Ready(Some(Ok(Ok((stream, peer, permit))))) => {
                    let member = Member::new(self.observer.shutdown());
                    let first_byte = self.settings.first_byte;
                    let connection = Connection::new(stream, peer, member, first_byte, permit);
                    return Poll::Ready(Some(connection));
                }
                Poll::Ready(Some(Ok(Err(failed)))) => {
                    self.fail(failed);
                    continue;
                }
                Poll::Ready(Some(Err(error))) => {
                    if error.is_panic() {
                        self.report(None, Stage::Handshake, io::Error::other(error));
                    }
                    continue;
                }
                Poll::Ready(None) if self.source.is_none() && self.lingering.is_empty() => {
                    self.listening = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            ready!(self.poll_source(cx));
        }
        // Let other tasks run, however many connections fail.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Ready once a connection was processed, or no more will arrive.
    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(source) = &mut self.source else {
            return Poll::Pending;
        };
        let is_full = self.handshakes.len() >= self.settings.limit;
        if is_full && self.settings.when_full == WhenFull::Wait {
            return Poll::Pending;
        }
        if let Some(limit) = &mut self.connections {
            ready!(limit.poll_room(cx));
        }
        ready!(self.backoff.poll_over(cx));
        let (io, address) = match ready!(source.poll_accept(cx)) {
            Some(Ok(accepted)) => accepted,
            Some(Err(error)) => {
                self.backoff.fail(&error);
                self.report(None, Stage::Accept, error);
                return Poll::Ready(());
            }
            None => {
                self.source = None;
                return Poll::Ready(());
            }
        };
        self.backoff.succeed();
        let permit = match &mut self.connections {
            _ if is_full => Err("too many handshakes are in flight"),
            Some(limit) => limit
                .take()
                .map(Some)
                .ok_or("too many connections are open"),
            None => Ok(None),
        };
        let admitted = permit
            .map_err(|error| io::Error::new(io::ErrorKind::QuotaExceeded, error))
            .and_then(|permit| {
                source.configure(&io, &self.settings.sockets)?;
                Ok(permit)
            });
        match admitted {
            Ok(permit) => self.start(io, address, permit),
            Err(error) => self.report(Some(address), Stage::Accept, error),
        }
        Poll::Ready(())
    }

    fn start(&mut self, io: L::Io, address: L::Peer, permit: Option<OwnedSemaphorePermit>) {
        let runtime = self.runtime.clone().unwrap_or_else(Handle::current);
        let steps = self.steps.get_or_insert_with(|| {
            let workers = runtime.metrics().num_workers();
            Arc::new(Semaphore::new(workers))
        });
        let connection = Accepting {
            since: Instant::now(),
            deadline: self.settings.deadline,
            handshaker: self.handshaker.clone(),
            #[cfg(feature = "proxy-protocol")]
            has_header: self.trusts.as_ref().is_some_and(|trusts| trusts(&address)),
            address,
            io,
            steps: Arc::clone(steps),
            permit,
            shutdown: Arc::clone(self.observer.shutdown()),
        };
        self.handshakes.spawn_on(connection.run(), &runtime);
    }

    /// Reports a failed handshake, and reads what the client still sends.
    fn fail(&mut self, failed: FailedHandshake<L::Io, L::Peer>) {
        (self.report)(failed.failed);
        let Some((io, left)) = failed.io else {
            return;
        };
        if self.lingering.len() < linger::MOST {
            let lingering = async move {
                linger::linger(io, left.min(linger::LONGEST)).await;
                drop(failed.permit);
            };
            let runtime = self.runtime.clone().unwrap_or_else(Handle::current);
            self.lingering.spawn_on(lingering, &runtime);
        }
    }

    fn report(&mut self, peer: Option<L::Peer>, stage: Stage, error: io::Error) {
        (self.report)(AcceptError {
            peer,
            since: Instant::now(),
            #[cfg(feature = "proxy-protocol")]
            proxy_header: None,
            stage,
            error,
        });
    }
}

// No field is ever pinned.
impl<L: Listener, H: Handshaker<L::Io>> Unpin for TlsListener<L, H> {}

impl<L: Listener, H: Handshaker<L::Io>> Stream for TlsListener<L, H> {
    type Item = Accepted<L, H>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_accept(cx)
    }
}

impl<L: Listener, H: Handshaker<L::Io>> fmt::Debug for TlsListener<L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener")
            .field("handshakes", &self.handshakes.len())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
