//! Avoids slow addresses for the copies that rustls makes of records.
//!
//! On AMD processors `rep movsb`, which glibc before 2.40 uses for copies, is twenty times slower
//! if the target address is 1 to 31 bytes after the source address, modulo 4096. rustls copies the
//! plaintext of each record into a new vector, or out of one. The sizes of its buffers, like those
//! of many programs, are multiples of 4096, and malloc leaves 16 bytes between adjacent
//! allocations, so the vector often has such an address: in bulk transfers this affected two of
//! three copies, and cost a quarter of the time.

use std::hint::black_box;
use std::ops::Range;

/// The distances from source to target, modulo [`PAGE`], for which a copy is slow.
const SLOW: Range<usize> = 1..32;

const PAGE: usize = 4096;

/// Copies up to this size use other instructions.
const SMALL: usize = 2048;

/// Memory that the copy must not use, held until the copy is done.
#[derive(Default)]
pub(super) struct Avoided {
    _places: [Vec<u8>; 3],
}

/// Tries to make the next vector of `size` bytes have an address that is fast for a copy from the
/// address `source` to its byte `offset`.
///
/// This is a heuristic: malloc usually returns the allocation that was freed last. If it fails, it
/// only costs time.
#[inline]
pub(super) fn avoid_slow_copy(source: usize, offset: usize, size: usize) -> Avoided {
    let mut avoided = Avoided::default();
    if cfg!(all(target_arch = "x86_64", target_env = "gnu")) && size > SMALL {
        for place in &mut avoided._places {
            // `black_box`, since an unused allocation would be optimized away.
            let next = black_box(Vec::<u8>::with_capacity(size));
            if !is_slow(source, next.as_ptr() as usize + offset) {
                break;
            }
            *place = next;
        }
    }
    avoided
}

#[inline]
fn is_slow(source: usize, target: usize) -> bool {
    SLOW.contains(&(target.wrapping_sub(source) % PAGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: usize = 16 * 1024;

    fn address_of(size: usize) -> usize {
        let vector = black_box(Vec::<u8>::with_capacity(size));
        vector.as_ptr() as usize
    }

    fn next_address() -> usize {
        address_of(RECORD)
    }

    #[test]
    fn addresses_just_after_the_source_are_slow_in_every_page() {
        for source in [0, 5, 4090, 1 << 20] {
            assert!(!is_slow(source, source));
            assert!(is_slow(source, source + 1));
            assert!(is_slow(source, source + 31 + 7 * PAGE));
            assert!(!is_slow(source, source + 32));
            assert!(!is_slow(source, source + PAGE - 1));
        }
    }

    #[test]
    #[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
    fn a_slow_address_is_avoided() {
        let bad = next_address();
        let source = bad - 11;
        let avoided = avoid_slow_copy(source, 0, RECORD);
        assert!(!is_slow(source, next_address()));
        drop(avoided);
    }

    #[test]
    fn nothing_is_held_for_fast_addresses_and_small_vectors() {
        let held = |avoided: Avoided| avoided._places.iter().any(|place| place.capacity() > 0);
        let well = next_address();
        assert!(!held(avoid_slow_copy(well, 0, RECORD)));
        let small = address_of(SMALL);
        assert!(!held(avoid_slow_copy(small - 11, 0, SMALL)));
    }
}
