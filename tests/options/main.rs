//! The options of streams: each has its documented effect, and none changes which bytes arrive.
//! (`tests/faults` injects faults into streams with options.)

#[path = "../guarantees/engine.rs"]
#[expect(dead_code, unused_imports, reason = "shared with tests/guarantees")]
mod engine;
#[path = "../guarantees/support.rs"]
#[expect(dead_code, reason = "shared with tests/guarantees")]
mod support;

mod batched;
mod limits;
mod read_ahead;
mod record_sizing;
mod send_buffer;
mod talks;
mod where_set;
