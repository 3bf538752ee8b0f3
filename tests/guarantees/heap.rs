//! How much heap the current thread has in use.

// An allocator cannot be implemented without `unsafe`.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    // Per thread, because tests of other threads allocate at the same time.
    static IN_USE: Cell<isize> = const { Cell::new(0) };
}

/// The number of bytes that this thread has allocated and not freed; negative if it has freed
/// memory of others.
pub(crate) fn in_use() -> isize {
    IN_USE.get()
}

/// The system allocator, with counters.
struct Counting;

// SAFETY: every call is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.set(IN_USE.get() + layout.size() as isize);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.set(IN_USE.get() - layout.size() as isize);
        // SAFETY: `memory` came from `System`, and the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}
