//! From an accepted transport to an established stream.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::pace::paced;
use super::shutdown::{Phase, Shutdown};
use super::{AcceptError, HandshakeResult, Handshaker, Peer, Stage};
use crate::error::ErrorKind;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::{ProxyHeader, Reading};

/// The outcome of an accepted transport.
pub(super) type Outcome<IO, P, H> = Result<
    (
        <H as Handshaker<IO>>::Stream,
        Peer<P, <H as Handshaker<IO>>::HandshakeData>,
        Option<OwnedSemaphorePermit>,
    ),
    FailedHandshake<IO, P>,
>;

/// A transport whose handshake has failed.
pub(super) struct FailedHandshake<IO, P> {
    pub(super) failed: AcceptError<P>,
    /// The transport, if it can still be used, and for how long.
    pub(super) io: Option<(IO, Duration)>,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// An accepted transport, and everything its handshake needs.
///
/// Independent of the listener's type, which may borrow; a task may not.
pub(super) struct Accepting<IO, P, H> {
    pub(super) io: IO,
    pub(super) address: P,
    pub(super) since: Instant,
    pub(super) deadline: Duration,
    pub(super) handshaker: H,
    /// Whether a header of the PROXY protocol comes first.
    #[cfg(feature = "proxy-protocol")]
    pub(super) has_header: bool,
    /// Limits concurrent handshake steps.
    pub(super) steps: Arc<Semaphore>,
    /// The permit of the connection.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    pub(super) shutdown: Arc<Shutdown>,
}

impl<IO, P, H> Accepting<IO, P, H>
where
    IO: AsyncRead + Unpin,
    H: Handshaker<IO>,
{
    pub(super) async fn run(self) -> Outcome<IO, P, H> {
        // The task may start some time after the transport was accepted.
        let left = self.deadline.saturating_sub(self.since.elapsed());
        let mut stage = Stage::Accept;
        #[cfg(feature = "proxy-protocol")]
        let mut proxy_header = None;
        let work = async {
            #[cfg_attr(not(feature = "proxy-protocol"), expect(unused_mut))]
            let (mut io, mut handshaker) = (self.io, self.handshaker);
            #[cfg(feature = "proxy-protocol")]
            if self.has_header {
                match read_header(&mut io, &mut stage).await {
                    Ok(header) => {
                        let header = Arc::new(header);
                        handshaker = handshaker.with_proxy_header(Arc::clone(&header));
                        proxy_header = Some(header);
                    }
                    Err(error) => return Err((error, None)),
                }
            }
            handshaker.handshake_fallible(io, &mut stage).await
        };
        let result = {
            let mut work = pin!(work);
            let mut work = pin!(poll_fn(|cx| poll_unwinding(work.as_mut(), cx)));
            let mut work = pin!(timeout(left, paced(&self.steps, work.as_mut())));
            let mut closing = pin!(self.shutdown.reached(Phase::Closing));
            let first = poll_fn(|cx| match work.as_mut().poll(cx) {
                Poll::Pending => closing.as_mut().poll(cx).map(|()| None),
                ready => ready.map(Some),
            });
            first.await
        };
        let (error, io) = match result {
            Some(Ok(Ok((stream, handshake_data)))) => {
                let peer = Peer {
                    address: self.address,
                    since: self.since,
                    handshake_data,
                    #[cfg(feature = "proxy-protocol")]
                    proxy_header,
                };
                return Ok((stream, peer, self.permit));
            }
            Some(Ok(Err((error, io)))) => (error, io),
            None => (ErrorKind::Ended.into(), None),
            Some(Err(_)) => (ErrorKind::HandshakeTimeout.into(), None),
        };
        Err(FailedHandshake {
            failed: AcceptError {
                peer: Some(self.address),
                since: self.since,
                #[cfg(feature = "proxy-protocol")]
                proxy_header,
                stage,
                error,
            },
            io: io.map(|io| (io, self.deadline.saturating_sub(self.since.elapsed()))),
            permit: self.permit,
        })
    }
}

/// Reads the header of the PROXY protocol, and stores the progress in `stage`.
#[cfg(feature = "proxy-protocol")]
async fn read_header<IO>(io: &mut IO, stage: &mut Stage) -> io::Result<ProxyHeader>
where
    IO: AsyncRead + Unpin,
{
    *stage = Stage::FirstByte;
    let mut reading = Reading::default();
    poll_fn(|cx| {
        let header = reading.poll(io, cx);
        if reading.has_begun() {
            *stage = Stage::ProxyHeader;
        }
        header
    })
    .await
}

/// Polls `work`, and turns a panic into an error, so that it is reported with its peer.
fn poll_unwinding<S, F, IO>(
    work: Pin<&mut impl Future<Output = HandshakeResult<S, F, IO>>>,
    cx: &mut Context<'_>,
) -> Poll<HandshakeResult<S, F, IO>> {
    catch_unwind(AssertUnwindSafe(|| work.poll(cx))).unwrap_or_else(|panic| {
        let error = format!("the handshake panicked: {}", message(&*panic));
        Poll::Ready(Err((io::Error::other(error), None)))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}
