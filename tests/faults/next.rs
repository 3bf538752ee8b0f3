//! The same sweep on rustls 0.24: on both sides, and with 0.23 or tokio-rustls at the other end.

use pollback_testkit::pipe::Answer;

use crate::rig::{Case, Make, Role, Scenario, scenarios};
use crate::sweep::{ANSWERS, Swept};

/// The scenarios without resumption that are not too slow: a pipe of one byte takes thousands of
/// calls.
fn fit() -> impl Iterator<Item = &'static Scenario> {
    scenarios()
        .iter()
        .filter(|scenario| !scenario.handshake.is_resumed() && scenario.plan.capacity > 1)
}

/// One scenario of each kind, for both versions.
const SOME: [&str; 8] = [
    "echo-",
    "lazy",
    "certificate",
    "client-ends-first",
    "two-tasks",
    "resumed",
    "early-data",
    "half-rtt",
];

#[test]
fn on_both_sides() {
    let mut swept = Swept::default();
    let some = |scenario: &&Scenario| SOME.iter().any(|name| scenario.name.contains(name));
    let all = scenarios().iter();
    for scenario in all
        .filter(|scenario| scenario.plan.capacity > 1)
        .filter(some)
    {
        let mut case = Case::new(scenario);
        case.client = Make::Next;
        case.server = Make::Next;
        swept.both_sides(&case, &ANSWERS);
    }
    swept.finish();
}

/// In owned halves, with whole streams at the other end.
#[test]
fn in_halves() {
    let mut swept = Swept::default();
    for scenario in fit().filter(|scenario| scenario.client.len() > 1) {
        for role in Role::BOTH {
            let mut case = Case::new(scenario);
            (case.client, case.server) = match role {
                Role::Client => (Make::NextHalved, Make::Next),
                Role::Server => (Make::Next, Make::NextHalved),
            };
            swept.everything(&case, role, &ANSWERS);
        }
    }
    swept.finish();
}

/// With rustls 0.23 at the other end, where no faults are injected.
#[test]
fn on_one_side() {
    let answers = [Answer::AtMost(1), Answer::Delayed(3), Answer::EndOfStream];
    let mut swept = Swept::default();
    for scenario in fit() {
        for role in Role::BOTH {
            let mut case = Case::new(scenario);
            match role {
                Role::Client => case.client = Make::Next,
                Role::Server => case.server = Make::Next,
            }
            swept.everything(&case, role, &answers);
        }
    }
    swept.finish();
}
