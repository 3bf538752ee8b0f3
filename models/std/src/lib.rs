//! The standard library, except that `sync::Mutex`, `AtomicBool` and `fence` are loom's.

pub use std::*;

pub mod sync {
    //! As in the standard library; `Arc` stays, since `Waker` is made of it.

    pub use loom::sync::{Mutex, MutexGuard};
    pub use std::sync::{Arc, LazyLock, PoisonError, TryLockError};

    pub mod atomic {
        //! What only the unit tests of the sources use stays, since they run outside of a model.

        pub use loom::sync::atomic::{AtomicBool, fence};
        pub use std::sync::atomic::{AtomicUsize, Ordering};
    }
}
