//! The transport of a handshake that has failed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Stores the transport of a failed handshake, which would otherwise be dropped. Clones share the
/// same slot.
pub(crate) struct Leftover<IO>(Arc<Mutex<Option<IO>>>);

impl<IO> Leftover<IO> {
    pub(crate) fn put(&self, io: IO) {
        *self.lock() = Some(io);
    }

    #[cfg(feature = "listener")]
    pub(crate) fn take(&self) -> Option<IO> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<IO>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<IO> Default for Leftover<IO> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<IO> Clone for Leftover<IO> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<IO> fmt::Debug for Leftover<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leftover").finish_non_exhaustive()
    }
}
