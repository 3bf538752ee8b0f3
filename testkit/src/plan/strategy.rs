//! Random plans. They shrink to a wide pipe with few steps.

use std::io::ErrorKind;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

use super::{Manner, Plan, Step};
use crate::pipe::Answer;

/// What a random plan may do to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// Only delays and partial transfers: every connection has to succeed.
    Slow,
    /// Failures of the connection, too.
    Hostile,
}

/// The maximum number of steps in a list.
const STEPS: usize = 12;

/// The maximum number of calls that a step skips.
const SKIP: usize = 40;

/// Plans with this hostility.
pub fn plans(hostility: Hostility) -> impl Strategy<Value = Plan> {
    let capacity = prop_oneof![
        4 => (1_usize..64 * 1024).prop_map(|less| 64 * 1024 - less),
        2 => (0_usize..600).prop_map(|less| 600 - less),
        1 => (0_usize..8).prop_map(|less| 8 - less),
    ];
    (capacity, manner(hostility), manner(hostility)).prop_map(|(capacity, left, right)| Plan {
        capacity,
        left,
        right,
    })
}

fn manner(hostility: Hostility) -> impl Strategy<Value = Manner> {
    let shape = (
        weighted(0.2, 1_usize..2000),
        weighted(0.2, 1_usize..20_000),
        weighted(0.2, Just(())),
    );
    let list = || vec(step(hostility), 0..STEPS);
    // A connection rarely performs more than one flush and one shutdown.
    let short = || vec(step(hostility), 0..STEPS / 3);
    (shape, list(), list(), short(), short()).prop_map(
        |((at_most, buffer, scalar), read, write, mut flush, shutdown)| {
            if buffer.is_some() {
                // A buffer that falsely reports success of a flush cannot be detected.
                flush.retain(|step| step.answer != Answer::Nothing);
            }
            Manner {
                at_most,
                buffer,
                scalar: scalar.is_some(),
                read,
                write,
                flush,
                shutdown,
            }
        },
    )
}

fn step(hostility: Hostility) -> BoxedStrategy<Step> {
    let skip = prop_oneof![3 => 0..3_usize, 1 => 0..SKIP];
    (skip, answer(hostility))
        .prop_map(|(skip, answer)| Step { skip, answer })
        .boxed()
}

fn answer(hostility: Hostility) -> BoxedStrategy<Answer> {
    let slow = prop_oneof![
        4 => Just(Answer::Pending),
        3 => (0_usize..9).prop_map(Answer::Delayed),
        3 => (1_usize..40).prop_map(Answer::AtMost),
        2 => Just(Answer::Spurious),
        2 => Just(Answer::Error(ErrorKind::Interrupted)),
    ];
    if hostility == Hostility::Slow {
        return slow.boxed();
    }
    let hostile = prop_oneof![
        Just(Answer::Nothing),
        Just(Answer::Error(ErrorKind::TimedOut)),
        Just(Answer::Error(ErrorKind::WouldBlock)),
        Just(Answer::EndOfStream),
        Just(Answer::Reset),
        Just(Answer::Panic),
        Just(Answer::TooMuch),
    ];
    prop_oneof![20 => slow, 1 => hostile].boxed()
}
