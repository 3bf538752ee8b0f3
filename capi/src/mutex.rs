//! A mutex that the analysis tools for C programs understand.
//!
//! The thread sanitizer and valgrind intercept calls of the pthread library. The mutex of std calls
//! none of it, so they would report data races that do not exist.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A value that can be used by one thread at a time.
pub(crate) struct Mutex<T> {
    // A pthread mutex must not move while it is in use.
    raw: Box<UnsafeCell<libc::pthread_mutex_t>>,
    value: UnsafeCell<T>,
}

// SAFETY: only one thread at a time can access the value, as if it were sent from one to the other.
unsafe impl<T: Send> Send for Mutex<T> {}

// SAFETY: as above.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            raw: Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER)),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits for the value. A thread that holds the guard must not call this again.
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        // SAFETY: the mutex is initialised, stays where it is, and is not destroyed before `drop`.
        let code = unsafe { libc::pthread_mutex_lock(self.raw.get()) };
        assert_eq!(code, 0, "an initialised mutex can be locked");
        Guard {
            mutex: self,
            _stays: PhantomData,
        }
    }
}

impl<T> Drop for Mutex<T> {
    fn drop(&mut self) {
        // SAFETY: there is no guard, since guards borrow the mutex, so it is not locked.
        unsafe { libc::pthread_mutex_destroy(self.raw.get()) };
    }
}

/// Access to the value. Dropping it unlocks the mutex.
pub(crate) struct Guard<'a, T> {
    mutex: &'a Mutex<T>,
    /// Makes this `!Send`: the thread that has locked a mutex has to unlock it.
    _stays: PhantomData<*const ()>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the mutex is locked by this guard, so nothing else refers to the value.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above; the guard is borrowed exclusively.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this guard has locked it, on this thread, which it cannot leave.
        unsafe { libc::pthread_mutex_unlock(self.mutex.raw.get()) };
    }
}
