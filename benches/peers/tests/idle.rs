//! The memory of an idle connection. Runs in a process of its own, since the whole heap is
//! measured.

use pollback_peers::contenders::{self, BASELINE};
use pollback_peers::work::Idle;

fn idle(peer: &str) -> Idle {
    let contender = contenders::named(peer).expect("a known peer");
    contender.workload.idle().expect("work that succeeds")
}

/// A connection of rustls 0.24 holds about half as much.
fn check_next(theirs: Idle) {
    let ours = idle("pollback-next");
    // Without optimization a connection holds some ten bytes more.
    let most = if cfg!(debug_assertions) { 43 } else { 42 };
    assert!(
        ours.server.heap * 100 <= theirs.server.heap * most,
        "{ours:?} {theirs:?}"
    );
    assert!(
        ours.client.heap * 100 <= theirs.client.heap * 52,
        "{ours:?} {theirs:?}"
    );
    assert!(ours.client.size <= 256, "{ours:?}");
}

#[test]
fn an_idle_connection_holds_a_stream_and_the_memory_of_rustls() {
    let (ours, theirs) = (idle("pollback"), idle(BASELINE));
    let sides = [(ours.client, theirs.client), (ours.server, theirs.server)];
    for (ours, theirs) in sides {
        // A stream of tokio-rustls contains the connection, ours has it in a box.
        assert!(ours.heap <= theirs.heap + 256, "{ours:?} {theirs:?}");
        assert!(ours.heap * 100 <= theirs.heap * 102, "{ours:?} {theirs:?}");
        assert!(ours.size <= 256, "{ours:?}");
    }
    check_next(theirs);
}
