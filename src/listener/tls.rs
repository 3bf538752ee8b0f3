//! The accept loop.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::accepting::{Accepting, Outcome};
use super::backoff::Backoff;
use super::ending::{Guard, Phase, Tracker};
use super::{Connection, Ending, Failed, Handshaker, Incoming, Stage};

/// What a listener gives.
pub type Accepted<I, H> = Connection<
    <H as Handshaker<<I as Incoming>::Io>>::Stream,
    <I as Incoming>::Peer,
    <H as Handshaker<<I as Incoming>::Io>>::Facts,
>;

/// What happens to a connection that comes while as many handshakes are in flight as may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits in the queue of the operating system until a handshake has ended.
    #[default]
    Wait,
    /// It is accepted and closed at once, and reported as failed.
    Refuse,
}

/// Says which peers may send a header of the PROXY protocol.
#[cfg(feature = "proxy-protocol")]
type Trusts<P> = Box<dyn Fn(&P) -> bool + Send>;

/// Accepts transports from `I`, lets `H` carry out their handshakes, and gives those that succeed.
///
/// See the [module](super) for what it takes care of. It is a [`Stream`] too, one that has no
/// errors: failures go to [`on_failure`](Self::on_failure).
///
/// Dropping it closes the listening socket and drops the handshakes in flight; connections that it
/// has given stay.
pub struct TlsListener<I: Incoming, H: Handshaker<I::Io>> {
    /// `None` once no more are accepted.
    incoming: Option<I>,
    handshaker: H,
    handshakes: JoinSet<Outcome<I::Io, I::Peer, H>>,
    backoff: Backoff,
    deadline: Duration,
    limit: usize,
    when_full: WhenFull,
    runtime: Option<Handle>,
    #[cfg(feature = "proxy-protocol")]
    trusts: Option<Trusts<I::Peer>>,
    report: Box<dyn FnMut(Failed<I::Peer>) + Send>,
    tracker: Listening,
}

impl<I: Incoming, H: Handshaker<I::Io>> TlsListener<I, H> {
    /// Accepts from `incoming`; `handshaker` is a [`SharedConfig`](super::SharedConfig), made by
    /// [`by_hello`](super::by_hello), or of your own.
    ///
    /// A handshake has 10 seconds, 65,536 may be in flight, and failures are reported to nobody.
    pub fn new(incoming: I, handshaker: H) -> Self {
        Self {
            incoming: Some(incoming),
            handshaker,
            handshakes: JoinSet::new(),
            backoff: Backoff::default(),
            deadline: Duration::from_secs(10),
            limit: 65_536,
            when_full: WhenFull::default(),
            runtime: None,
            #[cfg(feature = "proxy-protocol")]
            trusts: None,
            report: Box::new(drop),
            tracker: Listening(Tracker::new()),
        }
    }

    /// Gives each connection this long from being accepted to the end of its handshake.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets so many handshakes, but at least one, be in flight at once.
    ///
    /// With a small limit and [`WhenFull::Wait`] so many clients that stall keep all others out
    /// until the deadline.
    #[must_use]
    pub fn with_limit(mut self, handshakes: usize, when_full: WhenFull) -> Self {
        self.limit = handshakes.max(1);
        self.when_full = when_full;
        self
    }

    /// Reports to `report` each connection that comes to nothing. It is called while the listener is
    /// polled, so it should not take long.
    #[must_use]
    pub fn on_failure(mut self, report: impl FnMut(Failed<I::Peer>) + Send + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// Carries out handshakes on another runtime, whose timer must be enabled.
    #[must_use]
    pub fn on_runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Takes the header of the PROXY protocol, version 1 or 2, from the peers that `trusts` accepts,
    /// and from no one else. Such a peer has to send one; what it says is in
    /// [`Peer::proxy_header`](super::Peer::proxy_header).
    ///
    /// Whoever is trusted can claim to be any client. A header from someone who is not trusted is
    /// not TLS, and fails as such. What can be wrong with a header is a
    /// [`HeaderError`](crate::proxy_protocol::HeaderError).
    #[cfg(feature = "proxy-protocol")]
    #[must_use]
    pub fn with_proxy_protocol(
        mut self,
        trusts: impl Fn(&I::Peer) -> bool + Send + 'static,
    ) -> Self {
        self.trusts = Some(Box::new(trusts));
        self
    }

    /// A handle that ends the listener, from anywhere.
    pub fn ending(&self) -> Ending {
        Ending(Arc::clone(&self.tracker.0))
    }

    /// Where transports are accepted.
    ///
    /// # Errors
    ///
    /// It is not known, or no longer since the listener has stopped (`NotConnected`).
    pub fn local_addr(&self) -> io::Result<I::Peer> {
        match &self.incoming {
            Some(incoming) => incoming.local_addr(),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Waits for the next connection whose handshake has succeeded; `None` if no more will come.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing: handshakes go on, and the next call gives what they lead to.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled.
    pub async fn accept(&mut self) -> Option<Accepted<I, H>> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Option<Accepted<I, H>>> {
        // Before the phase is looked at, so that no change of it is missed.
        self.tracker.0.park_listener(cx.waker());
        loop {
            if self.tracker.0.phase() != Phase::Accepting {
                self.incoming = None;
            }
            match self.handshakes.poll_join_next(cx) {
                Poll::Ready(Some(Ok(Ok((stream, peer))))) => {
                    let guard = Guard::new(&self.tracker.0);
                    return Poll::Ready(Some(Connection::new(stream, peer, guard)));
                }
                Poll::Ready(Some(Ok(Err(failed)))) => {
                    (self.report)(failed);
                    continue;
                }
                Poll::Ready(Some(Err(error))) => {
                    if error.is_panic() {
                        self.report(None, Stage::Handshake, io::Error::other(error));
                    }
                    continue;
                }
                Poll::Ready(None) if self.incoming.is_none() => {
                    self.tracker.0.end_listening();
                    return Poll::Ready(None);
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            ready!(self.poll_incoming(cx));
        }
    }

    /// Ready when a connection was dealt with, or no more will come.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let is_full = self.handshakes.len() >= self.limit;
        let Some(incoming) = &mut self.incoming else {
            return Poll::Pending;
        };
        if is_full && self.when_full == WhenFull::Wait {
            return Poll::Pending;
        }
        ready!(self.backoff.poll_over(cx));
        match ready!(incoming.poll_accept(cx)) {
            Some(Ok((_, address))) if is_full => {
                let error = "too many handshakes are in flight";
                let error = io::Error::new(io::ErrorKind::QuotaExceeded, error);
                self.report(Some(address), Stage::Accept, error);
            }
            Some(Ok((io, address))) => {
                self.backoff.succeed();
                self.start(io, address);
            }
            Some(Err(error)) => {
                self.backoff.fail(&error);
                self.report(None, Stage::Accept, error);
            }
            None => self.incoming = None,
        }
        Poll::Ready(())
    }

    fn start(&mut self, io: I::Io, address: I::Peer) {
        let connection = Accepting {
            since: Instant::now(),
            deadline: self.deadline,
            handshaker: self.handshaker.clone(),
            #[cfg(feature = "proxy-protocol")]
            has_header: self.trusts.as_ref().is_some_and(|trusts| trusts(&address)),
            address,
            io,
            tracker: Arc::clone(&self.tracker.0),
        };
        match &self.runtime {
            Some(runtime) => self.handshakes.spawn_on(connection.run(), runtime),
            None => self.handshakes.spawn(connection.run()),
        };
    }

    fn report(&mut self, peer: Option<I::Peer>, stage: Stage, error: io::Error) {
        (self.report)(Failed {
            peer,
            since: Instant::now(),
            #[cfg(feature = "proxy-protocol")]
            proxy_header: None,
            stage,
            error,
        });
    }
}

/// Tells those who wait for the end when the listener is dropped.
struct Listening(Arc<Tracker>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.end_listening();
    }
}

// Nothing of it is ever pinned.
impl<I: Incoming, H: Handshaker<I::Io>> Unpin for TlsListener<I, H> {}

impl<I: Incoming, H: Handshaker<I::Io>> Stream for TlsListener<I, H> {
    type Item = Accepted<I, H>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_accept(cx)
    }
}

impl<I: Incoming, H: Handshaker<I::Io>> fmt::Debug for TlsListener<I, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsListener")
            .field("handshakes", &self.handshakes.len())
            .field("deadline", &self.deadline)
            .field("limit", &self.limit)
            .field("when_full", &self.when_full)
            .finish_non_exhaustive()
    }
}
