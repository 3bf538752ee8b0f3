//! The heap, seen from two sides: what Rust asks for, and what is in use.

// An allocator cannot be written without, and the C library cannot be asked.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    // By thread: two threads that share a counter would wait for each other's cache line.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// How often the current thread has asked for memory, or for more of it. What C code asks for
/// (OpenSSL, and AWS-LC on behalf of rustls) is not seen here.
pub fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// Bytes on the heap of this process that are in use, C code's among them.
pub fn in_use() -> usize {
    // SAFETY: takes the locks that it needs, and only reads.
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
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from `System`, and the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `memory` came from `System`, and the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}
