//! Injects every fault at every call of the transport, and drops every future at every poll.

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};

use pollback::ErrorKind;
use pollback_testkit::configs::Version;
use pollback_testkit::pipe::{Answer, Operation};

#[cfg(feature = "early-data")]
use crate::rig::Handshake;
use crate::rig::{
    Case, Cause, Ending, Outcome, Role, Scenario, Stop, Strike, World, cause, judged, scenarios,
};

/// The results that are injected.
pub(crate) const ANSWERS: [Answer; 12] = [
    Answer::AtMost(1),
    Answer::Spurious,
    Answer::Pending,
    Answer::Delayed(3),
    Answer::Error(Interrupted),
    Answer::Nothing,
    Answer::Error(TimedOut),
    Answer::Error(WouldBlock),
    Answer::EndOfStream,
    Answer::Reset,
    Answer::Panic,
    Answer::TooMuch,
];

/// The state of a sweep.
#[derive(Default)]
pub(crate) struct Swept {
    runs: usize,
    failures: Vec<String>,
}

impl Swept {
    /// Injects each result at each call of the side `role`.
    pub(crate) fn strike(&mut self, case: &Case, role: Role, answers: &[Answer]) {
        let world = World::new(case.scenario);
        let honest = self.run(case, &world).expect("no fault was injected");
        self.check(case, taken_in(case, &honest));
        let calls = honest.of(role).calls.clone();
        for answer in answers {
            for (call, operation) in calls.iter().enumerate() {
                if !applies(case, *answer, *operation) {
                    continue;
                }
                let mut struck = case.clone();
                struck.strike = Some(Strike {
                    role,
                    call,
                    answer: *answer,
                });
                let Some(outcome) = self.run(&struck, &world) else {
                    continue;
                };
                self.check(&struck, named(&struck, &outcome));
                self.check(&struck, bounded(&outcome, &honest));
            }
        }
    }

    /// Injects faults at each call of the side `role`, and stops it in both ways at each poll.
    pub(crate) fn everything(&mut self, case: &Case, role: Role, answers: &[Answer]) {
        self.strike(case, role, answers);
        self.stop(case, role, Stop::Drop);
        self.stop(case, role, Stop::Cancel);
    }

    /// Does all of this to one side and then to the other.
    pub(crate) fn both_sides(&mut self, case: &Case, answers: &[Answer]) {
        for role in Role::BOTH {
            self.everything(case, role, answers);
        }
    }

    /// Drops the side `role`, or an operation of it, at each poll where it waits.
    pub(crate) fn stop(&mut self, case: &Case, role: Role, stop: fn(usize) -> Stop) {
        let world = World::new(case.scenario);
        for poll in 0.. {
            let mut stopped = case.clone();
            stopped.stop = Some((role, stop(poll)));
            match self.run(&stopped, &world) {
                Some(outcome) if !outcome.of(role).stopped => break,
                Some(outcome) if matches!(stop(poll), Stop::Cancel(_)) => {
                    self.check(&stopped, undisturbed(&outcome));
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, case: &Case, world: &World) -> Option<Outcome> {
        self.runs += 1;
        judged(case, world)
            .map_err(|why| self.check(case, Err(why)))
            .ok()
    }

    fn check(&mut self, case: &Case, result: Result<(), String>) {
        if let Err(why) = result {
            self.failures.push(format!("{case}\n    {why}"));
        }
    }

    /// Fails if anything did.
    pub(crate) fn finish(self) {
        eprintln!("{} runs", self.runs);
        assert!(
            self.failures.is_empty(),
            "{} of {} runs failed, the first of them:\n{}",
            self.failures.len(),
            self.runs,
            self.failures[..self.failures.len().min(20)].join("\n")
        );
    }
}

/// Whether a result is possible for an operation, and differs from its other results.
fn applies(case: &Case, answer: Answer, operation: Operation) -> bool {
    match answer {
        // A buffer that falsely reports a successful flush cannot be detected.
        Answer::Nothing if operation == Operation::Flush => case.plan.left.buffer.is_none(),
        Answer::AtMost(_) => matches!(operation, Operation::Read | Operation::Write),
        Answer::TooMuch => operation == Operation::Write,
        Answer::EndOfStream => operation == Operation::Read,
        _ => true,
    }
}

/// Checks that the affected side reports the injected fault.
fn named(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let Some(Strike { role, answer, .. }) = case.strike else {
        return Ok(());
    };
    let side = outcome.of(role);
    let Some((operation, _)) = side.applied.first() else {
        return undisturbed(outcome);
    };
    let expected = match (answer, operation) {
        (Answer::Error(Interrupted), _) => None,
        (Answer::Error(WouldBlock), _) => Some(Cause::Ours(ErrorKind::Unregistered)),
        (Answer::Error(_) | Answer::Reset, _) => Some(Cause::Injected),
        (Answer::Nothing | Answer::EndOfStream, Operation::Read) => {
            Some(Cause::Ours(ErrorKind::Truncated))
        }
        (Answer::Nothing, Operation::Write) => Some(Cause::Ours(ErrorKind::WriteZero)),
        (Answer::TooMuch, Operation::Write) => Some(Cause::Ours(ErrorKind::OverReported)),
        (Answer::Panic, _) => return Ok(()),
        _ => None,
    };
    let Some(expected) = expected else {
        return undisturbed(outcome);
    };
    match &side.ending {
        Ending::Failed(error) if cause(error) == expected => Ok(()),
        // After the peer's last message there may be no operation left to report it.
        Ending::Done if *operation == Operation::Read => Ok(()),
        ending => Err(format!(
            "{ending:?} instead of {expected:?} from {operation:?}"
        )),
    }
}

/// Checks that a side of ours had read what had arrived when it shut its transport down. Otherwise
/// a kernel would respond to the unread bytes with a reset, which destroys what was sent last.
fn taken_in(case: &Case, outcome: &Outcome) -> Result<(), String> {
    for role in Role::BOTH {
        let unread = outcome.of(role).counts.unread_at_shutdown;
        if case.make(role).takes_in_at_shutdown() && unread.is_some_and(|bytes| bytes > 0) {
            return Err(format!("{role:?}: {unread:?} bytes unread at the shutdown"));
        }
    }
    Ok(())
}

/// Checks that both sides have completed all operations.
fn undisturbed(outcome: &Outcome) -> Result<(), String> {
    for role in Role::BOTH {
        let ending = &outcome.of(role).ending;
        if !matches!(ending, Ending::Done) {
            return Err(format!("{role:?} {ending:?}, although there was no fault"));
        }
    }
    Ok(())
}

/// Checks that the transport was not called much more often than without the fault.
fn bounded(outcome: &Outcome, honest: &Outcome) -> Result<(), String> {
    for role in Role::BOTH {
        let (calls, usual) = (outcome.of(role).calls.len(), honest.of(role).calls.len());
        if calls > usual + usual / 2 + 24 {
            return Err(format!("{role:?}: {calls} calls instead of {usual}"));
        }
    }
    Ok(())
}

/// The test that sweeps a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Tls12,
    Tls13,
    Seams,
    TwoTasks,
    #[cfg(feature = "early-data")]
    EarlyData,
    NarrowTls12,
    NarrowTls13,
}

impl Group {
    fn of(scenario: &Scenario) -> Self {
        let narrow = scenario.plan.capacity == 1;
        match (scenario.handshake, scenario.version) {
            #[cfg(feature = "early-data")]
            (Handshake::EarlyData { .. } | Handshake::HalfRtt, _) => Self::EarlyData,
            _ if scenario.client.len() > 1 => Self::TwoTasks,
            _ if scenario.is_for_ours() => Self::Seams,
            (_, Version::Tls12) if narrow => Self::NarrowTls12,
            (_, Version::Tls13) if narrow => Self::NarrowTls13,
            (_, Version::Tls12) => Self::Tls12,
            (_, Version::Tls13) => Self::Tls13,
        }
    }

    fn sweep(self, answers: &[Answer]) {
        let mut swept = Swept::default();
        for scenario in scenarios() {
            if Self::of(scenario) == self {
                let case = Case::new(scenario);
                swept.both_sides(&case, answers);
            }
        }
        swept.finish();
    }
}

#[test]
fn over_tls12() {
    Group::Tls12.sweep(&ANSWERS);
}

#[test]
fn over_tls13() {
    Group::Tls13.sweep(&ANSWERS);
}

#[test]
fn over_seams() {
    Group::Seams.sweep(&ANSWERS);
}

#[test]
fn with_two_tasks_a_side() {
    Group::TwoTasks.sweep(&ANSWERS);
}

#[cfg(feature = "early-data")]
#[test]
fn with_early_data() {
    Group::EarlyData.sweep(&ANSWERS);
}

/// The results for a sweep over a pipe of one byte, which takes thousands of calls.
const FEW: [Answer; 4] = [
    Answer::Delayed(3),
    Answer::Error(Interrupted),
    Answer::Nothing,
    Answer::Error(TimedOut),
];

#[test]
fn over_a_pipe_of_one_byte_with_tls12() {
    Group::NarrowTls12.sweep(&FEW);
}

#[test]
fn over_a_pipe_of_one_byte_with_tls13() {
    Group::NarrowTls13.sweep(&FEW);
}
