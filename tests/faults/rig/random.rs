//! Random cases, each generated from a seed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use pollback_testkit::pipe::Answer;
use pollback_testkit::plan::{Hostility, Plan, plans};
use pollback_testkit::proptest::option::weighted;
use pollback_testkit::proptest::prelude::*;
use pollback_testkit::proptest::sample::select;
use pollback_testkit::proptest::test_runner::{
    Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use super::carrier::Carrier;
use super::case::{Case, Role, Stop};
use super::makes::Make;
use super::run::World;
use super::scenarios::{Handshake, Scenario, scenarios};
use super::verdict::judged;

/// Searches for a case that fails.
#[derive(Default)]
pub(crate) struct Search {
    worlds: RefCell<HashMap<&'static str, World>>,
}

impl Search {
    /// Runs the case of a seed. If it fails, returns the smallest failing case that was found.
    pub(crate) fn run(&self, seed: u64) -> Result<(), String> {
        let config = Config {
            failure_persistence: None,
            max_shrink_iters: 2000,
            ..Config::default()
        };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(config, rng);
        let tree = cases()
            .new_tree(&mut runner)
            .map_err(|reason| reason.to_string())?;
        match runner.run_one(tree, |case| self.judge(&case.0)) {
            Ok(_) => Ok(()),
            Err(TestError::Fail(why, case)) => {
                Err(format!("seed {seed}, shrunk to\n{}\n    {why}", case.0))
            }
            Err(TestError::Abort(why)) => Err(format!("seed {seed}: {why}")),
        }
    }

    fn judge(&self, case: &Case) -> Result<(), TestCaseError> {
        let mut worlds = self.worlds.borrow_mut();
        let world = worlds
            .entry(&case.scenario.name)
            .or_insert_with(|| World::new(case.scenario));
        judged(case, world).map(drop).map_err(TestCaseError::fail)
    }
}

/// A case that is always printed as one line.
#[derive(Clone)]
struct Line(Case);

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn cases() -> impl Strategy<Value = Line> {
    prop_oneof![
        3 => between_ours(Hostility::Hostile).boxed(),
        1 => between_ours(Hostility::Slow).boxed(),
        1 => with_theirs().boxed(),
    ]
}

fn between_ours(hostility: Hostility) -> impl Strategy<Value = Line> {
    let stop = weighted(
        0.1,
        (
            select(&Role::BOTH[..]),
            prop_oneof![
                (0..40_usize).prop_map(Stop::Drop),
                (0..40_usize).prop_map(Stop::Cancel),
            ],
        ),
    );
    let carrier = select(&Carrier::ALL[..]);
    let make = || select(MAKES);
    let makes = (make(), make());
    (0..scenarios().len(), makes, carrier, plans(hostility), stop).prop_map(
        |(scenario, (client, server), carrier, plan, stop)| {
            let mut case = Case::new(&scenarios()[scenario]);
            (case.client, case.server) = (client, server);
            if client.is_next() != server.is_next() && case.scenario.handshake.is_resumed() {
                case.client = server;
            }
            if !case.scenario.has_two_tasks() {
                // Of owned halves only the reader reads; a task that waits for the writer does not.
                case.client = case.client.whole();
                case.server = case.server.whole();
            }
            case.carrier = carrier;
            case.plan = plan;
            case.stop = stop;
            if case.scenario.name.starts_with("silent-writer") {
                // Bytes that the transport itself buffers are sent only by a flush.
                case.plan.left.buffer = None;
            }
            if case.scenario.handshake == Handshake::HalfRtt {
                end_honestly(&mut case.plan);
            }
            Line(case)
        },
    )
}

/// The implementations of the crate under test, weighted by repetition.
const MAKES: &[Make] = &[
    Make::Ours,
    Make::Ours,
    Make::Tuned,
    #[cfg(feature = "next")]
    Make::Next,
    #[cfg(feature = "next")]
    Make::Next,
    #[cfg(feature = "next")]
    Make::NextTuned,
    #[cfg(feature = "next")]
    Make::NextHalved,
];

/// Makes the peer disappear where a read finds the end. A server that responds early continues to
/// write: otherwise it would wait for a client that has no reason to continue reading.
fn end_honestly(plan: &mut Plan) {
    for manner in [&mut plan.left, &mut plan.right] {
        for step in &mut manner.read {
            if step.answer == Answer::Nothing {
                step.answer = Answer::EndOfStream;
            }
        }
    }
}

/// tokio-rustls at the other end. There the transport has no faults and has room for a whole
/// flight, which tokio-rustls needs. It also does not work as a client that reads before its early
/// data is accepted or rejected, or where a reader has to flush.
fn with_theirs() -> impl Strategy<Value = Line> {
    let fit: Vec<&Scenario> = scenarios()
        .iter()
        .filter(|scenario| !scenario.is_for_ours())
        .filter(|scenario| !scenario.name.starts_with("no-flush"))
        .filter(|scenario| !scenario.name.starts_with("silent-writer"))
        .collect();
    let ours = select(&Role::BOTH[..]);
    (select(fit), ours, plans(Hostility::Hostile)).prop_map(|(scenario, ours, plan)| {
        let mut case = Case::new(scenario);
        case.plan.capacity = plan.capacity.max(8 * 1024);
        match ours {
            Role::Client => {
                case.server = Make::Theirs;
                case.plan.left = plan.left;
            }
            Role::Server => {
                case.client = Make::Theirs;
                case.plan.right = plan.right;
            }
        }
        Line(case)
    })
}
