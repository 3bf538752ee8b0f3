//! Checks whether the result of a run is permitted.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pollback::{Error, ErrorKind};
use pollback_testkit::pipe::{Answer, Injected, Operation};

use super::case::{Case, Role, Stop};
use super::run::{Outcome, Result as SideResult, World, run, sends};
use super::side::Ending;

/// The cause of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The error object that the transport has returned.
    Injected,
    /// An error of TLS or of the crate under test.
    Ours(ErrorKind),
    /// An error of the pipe itself because the other end is gone.
    Pipe(io::ErrorKind),
}

/// The cause of an error.
pub(crate) fn cause(error: &io::Error) -> Cause {
    if error.get_ref().is_some_and(|inner| inner.is::<Injected>()) {
        return Cause::Injected;
    }
    match Error::find(error) {
        Some(error) => Cause::Ours(error.kind()),
        // The text of tokio-rustls.
        None if error.kind() == io::ErrorKind::UnexpectedEof => Cause::Ours(ErrorKind::Truncated),
        None => Cause::Pipe(error.kind()),
    }
}

/// Runs a case and checks the result. Returns why it is not permitted.
pub(crate) fn judged(case: &Case, world: &World) -> Result<Outcome, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(case, world)))
        .map_err(|payload| message(&*payload))?;
    judge(case, &outcome)?;
    Ok(outcome)
}

/// Checks the result of a case.
pub(crate) fn judge(case: &Case, outcome: &Outcome) -> Result<(), String> {
    for role in Role::BOTH {
        judge_side(case, outcome, role).map_err(|why| format!("{role:?}: {why}"))?;
    }
    Ok(())
}

fn judge_side(case: &Case, outcome: &Outcome, role: Role) -> Result<(), String> {
    let (own, other) = (outcome.of(role), outcome.of(role.peer()));
    let expected = match role {
        Role::Client => sends(&case.scenario.server),
        Role::Server => sends(&case.scenario.client),
    };
    let offered = match other.ending {
        // A write that panicked could not report how much it had accepted.
        Ending::Panicked => expected,
        _ => other.sent + other.unsure,
    };
    if own.received > offered {
        return Err(format!(
            "{} bytes received, of {offered} that were sent",
            own.received
        ));
    }
    let moved = own.counts.moved() + other.counts.moved();
    if own.calls.len() > 1000 + 8 * moved {
        return Err(format!("{} calls for {moved} bytes", own.calls.len()));
    }
    match &own.ending {
        Ending::Done => {
            if own.received != expected {
                return Err(format!("done with {} of {expected} bytes", own.received));
            }
            Ok(())
        }
        Ending::Failed(error) => {
            let cause = cause(error);
            if is_explained(cause, own, other) {
                Ok(())
            } else {
                Err(format!("nothing explains {cause:?}: {error:?}"))
            }
        }
        Ending::Panicked if has(own, |answer| answer.1 == Answer::Panic) => Ok(()),
        Ending::Dropped if matches!(case.stop, Some((who, Stop::Drop(_))) if who == role) => Ok(()),
        ending => Err(format!("{ending:?} without a reason")),
    }
}

/// Whether an event explains such an error.
fn is_explained(cause: Cause, own: &SideResult, other: &SideResult) -> bool {
    let other_is_gone = !matches!(other.ending, Ending::Done);
    match cause {
        Cause::Injected => has(own, |(_, answer)| {
            matches!(answer, Answer::Error(_) | Answer::Reset)
        }),
        Cause::Ours(ErrorKind::Truncated) => {
            other_is_gone
                || has(own, |applied| {
                    matches!(
                        applied,
                        (Operation::Read, Answer::Nothing | Answer::EndOfStream)
                    )
                })
        }
        Cause::Ours(ErrorKind::WriteZero) => has(own, |applied| {
            applied == (Operation::Write, Answer::Nothing)
        }),
        Cause::Ours(ErrorKind::OverReported) => has(own, |applied| {
            applied == (Operation::Write, Answer::TooMuch)
        }),
        Cause::Ours(ErrorKind::Unregistered) => has(own, |(_, answer)| {
            answer == Answer::Error(io::ErrorKind::WouldBlock)
        }),
        Cause::Pipe(io::ErrorKind::BrokenPipe) => {
            // Either end may have found that the other is gone; then nothing more arrives there.
            let is_end = |(operation, answer)| {
                operation == Operation::Read
                    && matches!(answer, Answer::Nothing | Answer::EndOfStream)
            };
            other_is_gone || has(own, is_end) || has(other, is_end)
        }
        Cause::Pipe(io::ErrorKind::ConnectionReset) => {
            has(other, |(_, answer)| answer == Answer::Reset)
        }
        _ => false,
    }
}

fn has(side: &SideResult, test: impl Fn((Operation, Answer)) -> bool) -> bool {
    side.applied.iter().any(|applied| test(*applied))
}

fn message(payload: &(dyn Any + Send)) -> String {
    match (
        payload.downcast_ref::<String>(),
        payload.downcast_ref::<&str>(),
    ) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_owned(),
        _ => "a panic without a message".to_owned(),
    }
}
