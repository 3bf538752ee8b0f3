//! A limit on open connections.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::WhenFull;

/// Issues a permit for each connection, which holds it until it is dropped.
pub(super) struct ConnectionLimit {
    semaphore: Arc<Semaphore>,
    when_full: WhenFull,
    /// The permit of the next connection.
    reserved: Option<OwnedSemaphorePermit>,
    acquire: Option<Acquire>,
}

type Acquire = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

impl ConnectionLimit {
    pub(super) fn new(connections: usize, when_full: WhenFull) -> Self {
        let permits = connections.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            semaphore: Arc::new(Semaphore::new(permits)),
            when_full,
            reserved: None,
            acquire: None,
        }
    }

    /// Ready once the next connection may be accepted, even if only to close it.
    pub(super) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.reserved.is_none() {
            self.reserved = Arc::clone(&self.semaphore).try_acquire_owned().ok();
        }
        if self.reserved.is_some() || self.when_full == WhenFull::Close {
            self.acquire = None;
            return Poll::Ready(());
        }
        let semaphore = &self.semaphore;
        let acquire = self.acquire.get_or_insert_with(|| {
            let permit = Arc::clone(semaphore).acquire_owned();
            Box::pin(async { permit.await.ok() })
        });
        self.reserved = ready!(acquire.as_mut().poll(cx));
        self.acquire = None;
        Poll::Ready(())
    }

    /// Takes the permit for a connection; `None` if there are too many.
    pub(super) fn take(&mut self) -> Option<OwnedSemaphorePermit> {
        self.reserved.take()
    }
}
