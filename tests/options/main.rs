//! What can be set about a stream: each option does what it says, and none changes which bytes
//! arrive. (`tests/faults` puts faults in the way of streams with options.)

#[path = "../promises/engine.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "shared with the tests of the promises"
)]
mod engine;
#[path = "../promises/support.rs"]
#[expect(dead_code, reason = "shared with the tests of the promises")]
mod support;

mod batched;
mod limits;
mod read_ahead;
mod record_sizing;
mod send_buffer;
mod talks;
mod where_set;
