//! A two-way pipe in memory, without sockets or clocks: every run is the same.
//!
//! Like a socket it keeps one waker per direction and side, the latest, and wakes it when that
//! direction can make progress. A [`Control`] inspects the pipe and injects faults while the
//! [`End`] itself belongs to a stream.

mod control;
mod end;
mod faults;
mod intervene;
mod lane;
mod shape;
mod wire;

pub use control::{Control, Counts, Tally};
pub use end::End;
pub use faults::{Answer, Injected, Operation};
pub use shape::{SHAPES, Shape};

/// Opens a pipe that holds `capacity` bytes in each direction.
///
/// # Panics
///
/// If the capacity is zero: nothing could ever move.
pub fn pipe(capacity: usize) -> (End, End) {
    assert!(capacity > 0, "a pipe holds at least one byte");
    let wire = wire::Wire::new(capacity);
    (
        End::new(wire.clone(), wire::Side::Left),
        End::new(wire, wire::Side::Right),
    )
}
