//! The standard library, except that `sync::Mutex`, `AtomicBool` and `fence` are loom's.

pub use std::*;

pub mod sync {
    //! As in the standard library; `Arc` is unchanged, since a `Waker` is built from it.

    pub use loom::sync::{Mutex, MutexGuard};
    pub use std::sync::{Arc, LazyLock, PoisonError, TryLockError};

    pub mod atomic {
        //! Types that only the unit tests of the sources use are unchanged, since these run outside
        //! a model.

        pub use loom::sync::atomic::{AtomicBool, fence};
        pub use std::sync::atomic::{AtomicUsize, Ordering};
    }
}
