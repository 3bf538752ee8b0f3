//! The allocator of the system, which counts what the current thread asks of it.
//!
//! What C code allocates (OpenSSL, and AWS-LC on behalf of rustls) is not seen here.

// An allocator cannot be written without.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ops::Sub;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    // By thread: two threads that share a counter would wait for each other's cache line.
    static HEAP: Cell<Heap> = const { Cell::new(Heap { allocations: 0, in_use: 0 }) };
}

/// What a thread has asked of the allocator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heap {
    /// How often it asked for memory, or for more of it.
    pub allocations: u64,
    /// Bytes that it holds; negative if it freed those of other threads.
    pub in_use: i64,
}

impl Heap {
    /// The state of the current thread.
    pub fn now() -> Self {
        HEAP.get()
    }

    fn change(allocations: u64, bytes: i64) {
        let now = HEAP.get();
        HEAP.set(Self {
            allocations: now.allocations + allocations,
            in_use: now.in_use + bytes,
        });
    }
}

impl Sub for Heap {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            allocations: self.allocations - earlier.allocations,
            in_use: self.in_use - earlier.in_use,
        }
    }
}

struct Counting;

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).expect("no allocation is that large")
}

// SAFETY: every call is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Heap::change(1, signed(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Heap::change(1, signed(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Heap::change(0, -signed(layout.size()));
        // SAFETY: `memory` came from `System`, and the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Heap::change(1, signed(size) - signed(layout.size()));
        // SAFETY: `memory` came from `System`, and the caller keeps the contract of `realloc`.
        unsafe { System.realloc(memory, layout, size) }
    }
}
