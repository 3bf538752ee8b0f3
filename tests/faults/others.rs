//! The same sweep over transports that are made of attempts, with tokio-rustls at the other end,
//! and with tokio-rustls in our place.

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};

use pollback_testkit::configs::Version;
use pollback_testkit::pipe::Answer;

use crate::rig::{Carrier, Case, Make, Role, Scenario, Stop, scenarios};
use crate::sweep::{ANSWERS, Swept};

/// One scenario of each kind, for both versions.
fn some() -> impl Iterator<Item = &'static Scenario> {
    let names = [
        "echo",
        "resumed",
        "buffered",
        "client-ends-first",
        "two-tasks",
        "rebuilt",
        "adopted",
        "in-the-clear",
    ];
    scenarios().iter().filter(move |scenario| {
        names
            .iter()
            .any(|name| scenario.name.strip_suffix("-tls12") == Some(name))
            || names
                .iter()
                .any(|name| scenario.name.strip_suffix("-tls13") == Some(name))
    })
}

#[test]
fn with_streams_that_are_used_by_attempts() {
    let mut swept = Swept::default();
    for scenario in some() {
        let mut case = Case::new(scenario);
        case.client = Make::Attempting;
        case.server = Make::Attempting;
        swept.both_sides(&case, &ANSWERS);
    }
    swept.finish();
}

#[cfg(feature = "early-data")]
#[test]
fn before_the_finished_of_the_client_in_other_ways() {
    let mut swept = Swept::default();
    let early = scenarios()
        .iter()
        .filter(|scenario| scenario.name.starts_with("half-rtt"));
    for scenario in early {
        for make in [Make::Tuned, Make::Attempting] {
            let mut case = Case::new(scenario);
            case.client = make;
            case.server = make;
            swept.both_sides(&case, &[Answer::Delayed(3), Answer::Error(TimedOut)]);
        }
    }
    swept.finish();
}

#[test]
fn over_transports_made_of_attempts() {
    let mut swept = Swept::default();
    for carrier in [Carrier::Attempted, Carrier::Signalled] {
        for scenario in some() {
            let mut case = Case::new(scenario);
            case.carrier = carrier;
            swept.both_sides(&case, &ANSWERS);
        }
    }
    swept.finish();
}

#[test]
fn with_all_options_on() {
    let mut swept = Swept::default();
    for scenario in some() {
        let mut case = Case::new(scenario);
        case.client = Make::Tuned;
        case.server = Make::Tuned;
        swept.both_sides(&case, &ANSWERS);
    }
    swept.finish();
}

#[test]
fn with_tokio_rustls_at_the_other_end() {
    let mut swept = Swept::default();
    for scenario in some().filter(|scenario| !scenario.is_for_ours()) {
        for role in Role::BOTH {
            let mut case = Case::new(scenario);
            match role {
                Role::Client => case.server = Make::Theirs,
                Role::Server => case.client = Make::Theirs,
            }
            swept.everything(&case, role, &ANSWERS);
        }
    }
    swept.finish();
}

/// The sweep is fair if another implementation passes it, apart from its known defects: it treats
/// `Ok(0)` as "would block", does not repeat an attempt after `Interrupted`, waits after an error
/// that registers no waker, and loses the wakeup of one task to another.
#[test]
fn with_tokio_rustls_in_our_place() {
    let answers: Vec<Answer> = ANSWERS
        .into_iter()
        .filter(|answer| !matches!(answer, Answer::Nothing | Answer::TooMuch))
        .filter(|answer| ![Answer::Error(Interrupted), Answer::Error(WouldBlock)].contains(answer))
        .collect();
    assert!(answers.contains(&Answer::Error(TimedOut)));
    let mut swept = Swept::default();
    let fit = |scenario: &&Scenario| {
        let is_simple = scenario.client.len() == 1 && !scenario.is_for_ours();
        is_simple && scenario.version == Version::Tls13
    };
    for scenario in some().filter(fit) {
        for role in Role::BOTH {
            let mut case = Case::new(scenario);
            case.client = Make::Theirs;
            case.server = Make::Theirs;
            swept.strike(&case, role, &answers);
            swept.stop(&case, role, Stop::Drop);
        }
    }
    swept.finish();
}
