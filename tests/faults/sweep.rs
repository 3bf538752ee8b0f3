//! Every fault at every call of the transport, and every future dropped at every poll.

use std::io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};

use pollback::ErrorKind;
use pollback_testkit::pipe::{Answer, Operation};

use crate::rig::{Case, Cause, Ending, Outcome, Role, Stop, Strike, World, cause, judged};

/// What is put in the place of an honest answer.
const ANSWERS: [Answer; 12] = [
    Answer::AtMost(1),
    Answer::Spurious,
    Answer::Pending,
    Answer::Delayed(3),
    Answer::Error(Interrupted),
    Answer::Nothing,
    Answer::Error(ConnectionAborted),
    Answer::Error(WouldBlock),
    Answer::EndOfStream,
    Answer::Reset,
    Answer::Panic,
    Answer::TooMuch,
];

/// What has been swept.
#[derive(Default)]
pub(crate) struct Swept {
    runs: usize,
    failures: Vec<String>,
}

impl Swept {
    /// Puts each answer in the place of each honest one, on the side `role`.
    pub(crate) fn strike(&mut self, case: &Case, role: Role, answers: &[Answer]) {
        let world = World::new(case.scenario);
        let honest = self.run(case, &world).expect("nothing is in the way");
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

/// Whether an operation can be answered so, in a way that differs from another answer.
fn applies(case: &Case, answer: Answer, operation: Operation) -> bool {
    match answer {
        // Nobody can see that a buffer which claims to be flushed is not.
        Answer::Nothing if operation == Operation::Flush => case.plan.left.buffer.is_none(),
        Answer::AtMost(_) => matches!(operation, Operation::Read | Operation::Write),
        Answer::TooMuch => operation == Operation::Write,
        Answer::EndOfStream => operation == Operation::Read,
        _ => true,
    }
}

/// Whether the side that was struck says by what.
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
        (Answer::Nothing, Operation::Write) => Some(Cause::Ours(ErrorKind::Refused)),
        (Answer::TooMuch, Operation::Write) => Some(Cause::Ours(ErrorKind::OverReported)),
        (Answer::Panic, _) => return Ok(()),
        _ => None,
    };
    let Some(expected) = expected else {
        return undisturbed(outcome);
    };
    match &side.ending {
        Ending::Failed(error) if cause(error) == expected => Ok(()),
        // After the peer's last word there may be nobody left to tell.
        Ending::Done if *operation == Operation::Read => Ok(()),
        ending => Err(format!("{ending:?} instead of {expected:?} from {operation:?}")),
    }
}

/// Whether both sides are through with everything.
fn undisturbed(outcome: &Outcome) -> Result<(), String> {
    for role in Role::BOTH {
        let ending = &outcome.of(role).ending;
        if !matches!(ending, Ending::Done) {
            return Err(format!("{role:?} {ending:?}, though nothing is broken"));
        }
    }
    Ok(())
}

/// Whether the transport was not called much more often than without the fault.
fn bounded(outcome: &Outcome, honest: &Outcome) -> Result<(), String> {
    for role in Role::BOTH {
        let (calls, usual) = (outcome.of(role).calls.len(), honest.of(role).calls.len());
        if calls > usual + usual / 2 + 24 {
            return Err(format!("{role:?}: {calls} calls instead of {usual}"));
        }
    }
    Ok(())
}
#[test]
fn all() {
    for scenario in crate::rig::scenarios() {
        if scenario.name.starts_with("narrow") { continue; }
        let start = std::time::Instant::now();
        let mut swept = Swept::default();
        for role in Role::BOTH {
            let case = Case::new(scenario);
            swept.strike(&case, role, &ANSWERS);
            swept.stop(&case, role, Stop::Drop);
            swept.stop(&case, role, Stop::Cancel);
        }
        println!("=== {} {} runs {:?} {} failures", scenario.name, swept.runs, start.elapsed(), swept.failures.len());
        for f in swept.failures.iter().take(6) { println!("{f}"); }
    }
}
