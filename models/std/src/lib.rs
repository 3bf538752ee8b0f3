//! The standard library, except that `sync::Mutex` is loom's.

pub use std::*;

pub mod sync {
    //! As in the standard library; `Arc` stays, since `Waker` is made of it.

    pub use loom::sync::{Mutex, MutexGuard};
    pub use std::sync::{Arc, LazyLock, PoisonError, atomic};
}
