//! The wake callback of a transport, and the directions in which it is to be called.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicI32, Ordering};

use crate::mutex::Mutex;
use crate::{POLLBACK_READABLE, POLLBACK_WRITABLE};

/// A wake callback and its context.
#[derive(Clone, Copy)]
pub(crate) struct Wake {
    function: unsafe extern "C" fn(*mut c_void, c_int),
    context: *mut c_void,
}

impl Wake {
    /// # Safety
    ///
    /// The function can be called with the context from any thread until the transport that this is
    /// created for has been dropped.
    pub(crate) unsafe fn new(
        function: unsafe extern "C" fn(*mut c_void, c_int),
        context: *mut c_void,
    ) -> Self {
        Self { function, context }
    }
}

// SAFETY: `new` requires a function that can be called from any thread.
unsafe impl Send for Wake {}

/// A watched transport, as the watching thread sees it.
pub(crate) struct Watched {
    /// The directions whose attempts have returned EAGAIN, or are about to.
    blocked: AtomicI32,
    /// `None` once the transport is being freed.
    wake: Mutex<Option<Wake>>,
}

impl Watched {
    pub(crate) fn new(blocked: c_int, wake: Wake) -> Self {
        Self {
            blocked: AtomicI32::new(blocked),
            wake: Mutex::new(Some(wake)),
        }
    }

    /// Requests a call when the direction becomes ready from now on.
    pub(crate) fn block(&self, direction: c_int) {
        self.blocked.fetch_or(direction, Ordering::AcqRel);
    }

    /// Withdraws that request.
    pub(crate) fn unblock(&self, direction: c_int) {
        self.blocked.fetch_and(!direction, Ordering::AcqRel);
    }

    /// Calls the callback for those of the directions for which a call was requested.
    pub(crate) fn notify(&self, ready: c_int) {
        let blocked = self.blocked.fetch_and(!ready, Ordering::AcqRel);
        // Held during the call, so that `silence` can wait for its end.
        let wake = self.wake.lock();
        let Some(wake) = *wake else { return };
        for direction in [POLLBACK_READABLE, POLLBACK_WRITABLE] {
            if blocked & ready & direction != 0 {
                // SAFETY: `Wake::new` requires that it can be called from any thread until the
                // transport has been dropped, and dropping it waits in `silence`.
                unsafe { (wake.function)(wake.context, direction) };
            }
        }
    }

    /// Waits until the callback has returned, and prevents further calls.
    pub(crate) fn silence(&self) {
        *self.wake.lock() = None;
    }
}
