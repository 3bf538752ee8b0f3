//! One case alone.

use crate::rig::{Case, World, judged};

/// The environment variable with the line that a failure has printed.
const CASE: &str = "POLLBACK_CASE";

/// The case to run without the variable, so that this test can fail.
const STAND_IN: &str = "scenario=echo-tls13 client=Ours server=Theirs carrier=Signalled \
    strike=Client:4:delayed-2 cancel=Client:1 capacity=900 left.at-most=70 right.read=2:pending";

#[test]
fn replay() {
    let text = std::env::var(CASE).unwrap_or_else(|_| STAND_IN.to_owned());
    let case: Case = text.parse().expect("a case, as a failure prints it");
    let outcome = judged(&case, &World::new(case.scenario)).unwrap_or_else(|why| panic!("{why}"));
    for side in [&outcome.client, &outcome.server] {
        eprintln!(
            "{:?}, {} bytes sent, {} bytes received",
            side.ending, side.sent, side.received
        );
        eprintln!("    {:?}", side.calls);
        eprintln!("    {:?}", side.applied);
    }
}
