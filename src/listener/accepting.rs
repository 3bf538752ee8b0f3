//! What happens between the transport and the stream.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::time::{Instant, timeout};

use super::ending::Tracker;
use super::{Failed, Handshaker, Peer, Stage};
use crate::error::ErrorKind;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::{ProxyHeader, Reading};

/// What becomes of a transport.
pub(super) type Outcome<IO, P, H> = Result<
    (
        <H as Handshaker<IO>>::Stream,
        Peer<P, <H as Handshaker<IO>>::Facts>,
    ),
    Failed<P>,
>;

/// Reads the header of the PROXY protocol, and notes how far that has come.
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

/// A transport that was accepted, and what its handshake needs.
///
/// It does not know the type that accepts: that type may borrow, a task may not.
pub(super) struct Accepting<IO, P, H> {
    pub(super) io: IO,
    pub(super) address: P,
    pub(super) since: Instant,
    pub(super) deadline: Duration,
    pub(super) handshaker: H,
    /// Whether a header of the PROXY protocol comes first.
    #[cfg(feature = "proxy-protocol")]
    pub(super) has_header: bool,
    pub(super) tracker: Arc<Tracker>,
}

impl<IO, P, H> Accepting<IO, P, H>
where
    IO: AsyncRead + Unpin,
    H: Handshaker<IO>,
{
    pub(super) async fn run(self) -> Outcome<IO, P, H> {
        // The task may have been started later than the transport was accepted.
        let left = self.deadline.saturating_sub(self.since.elapsed());
        let mut stage = Stage::Accept;
        #[cfg(feature = "proxy-protocol")]
        let mut proxy_header = None;
        let work = async {
            #[cfg_attr(not(feature = "proxy-protocol"), expect(unused_mut))]
            let mut io = self.io;
            #[cfg(feature = "proxy-protocol")]
            if self.has_header {
                proxy_header = Some(read_header(&mut io, &mut stage).await?.into());
            }
            self.handshaker.handshake(io, &mut stage).await
        };
        let result = {
            let mut work = pin!(timeout(left, work));
            let mut closing = pin!(self.tracker.closing());
            let first = poll_fn(|cx| match work.as_mut().poll(cx) {
                Poll::Pending => closing.as_mut().poll(cx).map(|()| None),
                ready => ready.map(Some),
            });
            first.await
        };
        let error = match result {
            Some(Ok(Ok((stream, facts)))) => {
                let peer = Peer {
                    address: self.address,
                    since: self.since,
                    facts,
                    #[cfg(feature = "proxy-protocol")]
                    proxy_header,
                };
                return Ok((stream, peer));
            }
            Some(Ok(Err(error))) => error,
            None => ErrorKind::Ended.into(),
            Some(Err(_)) => io::Error::new(io::ErrorKind::TimedOut, "the deadline has passed"),
        };
        Err(Failed {
            peer: Some(self.address),
            since: self.since,
            #[cfg(feature = "proxy-protocol")]
            proxy_header,
            stage,
            error,
        })
    }
}
