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
    /// The function can be called with the context from any thread, for as long as the transport
    /// lives that it is made for.
    pub(crate) unsafe fn new(
        function: unsafe extern "C" fn(*mut c_void, c_int),
        context: *mut c_void,
    ) -> Self {
        Self { function, context }
    }
}

// SAFETY: `new` demands a function that can be called from any thread.
unsafe impl Send for Wake {}

/// A transport that is watched, as the watching thread sees it.
pub(crate) struct Watched {
    /// The directions whose attempts have returned EAGAIN, or are about to.
    blocked: AtomicI32,
    /// Nothing once the transport is being freed.
    wake: Mutex<Option<Wake>>,
}

impl Watched {
    pub(crate) fn new(blocked: c_int, wake: Wake) -> Self {
        Self {
            blocked: AtomicI32::new(blocked),
            wake: Mutex::new(Some(wake)),
        }
    }

    /// Asks for a call when the direction becomes ready from now on.
    pub(crate) fn block(&self, direction: c_int) {
        self.blocked.fetch_or(direction, Ordering::AcqRel);
    }

    /// Takes that back.
    pub(crate) fn unblock(&self, direction: c_int) {
        self.blocked.fetch_and(!direction, Ordering::AcqRel);
    }

    /// Calls the callback for those of the directions for which it was asked to.
    pub(crate) fn notify(&self, ready: c_int) {
        let blocked = self.blocked.fetch_and(!ready, Ordering::AcqRel);
        // Held during the call, so that `silence` can wait for its end.
        let wake = self.wake.lock();
        let Some(wake) = *wake else { return };
        for direction in [POLLBACK_READABLE, POLLBACK_WRITABLE] {
            if blocked & ready & direction != 0 {
                // SAFETY: `Wake::new` demands that it can be called from any thread while the
                // transport lives, and that has not got past `silence`.
                unsafe { (wake.function)(wake.context, direction) };
            }
        }
    }

    /// Waits for the end of a call of the callback, and lets no further one come.
    pub(crate) fn silence(&self) {
        *self.wake.lock() = None;
    }
}
