//! What happens when a waker of a transport is woken.

use std::ffi::{c_int, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{self, Waker};
use std::time::{Duration, Instant};

/// The wake callback of a C program.
pub(crate) struct Wake {
    function: unsafe extern "C" fn(*mut c_void, c_int),
    context: *mut c_void,
}

impl Wake {
    /// # Safety
    ///
    /// Until this is dropped, the function can be called with the context from any thread.
    pub(crate) unsafe fn new(
        function: unsafe extern "C" fn(*mut c_void, c_int),
        context: *mut c_void,
    ) -> Self {
        Self { function, context }
    }
}

// SAFETY: `new` demands a function that can be called from any thread.
unsafe impl Send for Wake {}

/// The directions in which an attempt may succeed, and who is told of a new one.
pub(crate) struct Signal {
    ready: Mutex<c_int>,
    changed: Condvar,
    wake: Mutex<Option<Wake>>,
}

impl Signal {
    pub(crate) fn new(ready: c_int, wake: Option<Wake>) -> Arc<Self> {
        Arc::new(Self {
            ready: Mutex::new(ready),
            changed: Condvar::new(),
            wake: Mutex::new(wake),
        })
    }

    /// A waker that says that an attempt may succeed in this direction.
    pub(crate) fn waker(self: &Arc<Self>, direction: c_int) -> Waker {
        Waker::from(Arc::new(Side {
            signal: Arc::clone(self),
            direction,
        }))
    }

    /// Counts a direction as blocked, until its waker is woken.
    pub(crate) fn block(&self, direction: c_int) {
        *lock(&self.ready) &= !direction;
    }

    /// Counts a direction as ready, without telling anybody.
    pub(crate) fn unblock(&self, direction: c_int) {
        *lock(&self.ready) |= direction;
    }

    /// Waits for one of the directions; answers those that are ready.
    pub(crate) fn wait(&self, directions: c_int, timeout: Option<Duration>) -> c_int {
        // A time that no clock reaches is for ever.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut ready = lock(&self.ready);
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if *ready & directions != 0 || left == Some(Duration::ZERO) {
                return *ready & directions;
            }
            ready = match left {
                Some(left) => {
                    let waited = self.changed.wait_timeout(ready, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.changed.wait(ready);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Waits for the end of a call of the wake callback, and lets no further one come.
    pub(crate) fn silence(&self) {
        *lock(&self.wake) = None;
    }
}

struct Side {
    signal: Arc<Signal>,
    direction: c_int,
}

impl task::Wake for Side {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.signal.unblock(self.direction);
        self.signal.changed.notify_all();
        // Held during the call, so that `silence` can wait for its end.
        if let Some(wake) = &*lock(&self.signal.wake) {
            // SAFETY: `Wake::new` demands that it can be called from any thread.
            unsafe { (wake.function)(wake.context, self.direction) };
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is done under these locks leaves anything half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
