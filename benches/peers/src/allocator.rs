//! The heap: how often Rust code allocates, and how many bytes are in use.

// An allocator cannot be implemented, and the C library cannot be queried, without `unsafe`.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    // Per thread: two threads that share a counter would contend for its cache line.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The number of allocations and reallocations of the current thread. Those of C code (OpenSSL, and
/// AWS-LC on behalf of rustls) are not counted.
pub fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// The number of bytes in use on the heap of this process, including those of C code.
pub fn in_use() -> usize {
    // SAFETY: it takes the locks that it needs, and only reads.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

struct Counting;

// SAFETY: every call is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller upholds the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `System`, and the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `memory` came from `System`, and the caller upholds the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}
