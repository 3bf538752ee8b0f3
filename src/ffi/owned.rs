//! Objects of rustls-ffi that are freed when they are dropped.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use rustls_ffi::acceptor::{rustls_accepted, rustls_accepted_alert, rustls_acceptor};
use rustls_ffi::connection::rustls_connection;

/// An object that one of the functions of rustls-ffi frees.
pub(super) trait Free {
    fn free(object: *mut Self);
}

impl Free for rustls_connection {
    fn free(object: *mut Self) {
        Self::rustls_connection_free(object);
    }
}

impl Free for rustls_acceptor {
    fn free(object: *mut Self) {
        Self::rustls_acceptor_free(object);
    }
}

impl Free for rustls_accepted {
    fn free(object: *mut Self) {
        Self::rustls_accepted_free(object);
    }
}

impl Free for rustls_accepted_alert {
    fn free(object: *mut Self) {
        Self::rustls_accepted_alert_free(object);
    }
}

/// The sole owner of an object.
pub(super) struct Owned<T: Free>(NonNull<T>);

impl<T: Free> Owned<T> {
    /// Owns an object that a function of rustls-ffi returned; `None` if it returned none.
    ///
    /// # Safety
    ///
    /// `object` is null, or it is valid and nothing else frees or uses it. What was attached to it can
    /// be used from any thread.
    pub(super) unsafe fn new(object: *mut T) -> Option<Self> {
        NonNull::new(object).map(Self)
    }

    /// Takes ownership of an object from another owner.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    pub(super) unsafe fn from_raw(object: NonNull<T>) -> Self {
        Self(object)
    }

    pub(super) fn as_ptr(&self) -> *const T {
        self.0.as_ptr()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut T {
        self.0.as_ptr()
    }

    /// Returns the object, which is no longer freed.
    pub(super) fn into_raw(self) -> NonNull<T> {
        ManuallyDrop::new(self).0
    }
}

impl<T: Free> Drop for Owned<T> {
    fn drop(&mut self) {
        T::free(self.0.as_ptr());
    }
}

// SAFETY: behind each of these types is an object of rustls that is `Send`; `new` requires the same
// of what was attached to it.
unsafe impl<T: Free> Send for Owned<T> {}

// SAFETY: behind each of these types is an object of rustls that is `Sync`, and a shared reference
// gives out only a pointer for the functions that do not change it.
unsafe impl<T: Free> Sync for Owned<T> {}
