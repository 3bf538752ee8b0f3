//! A relay between two pipes: every fault at every call on either side of it, and the relay dropped
//! or disassembled at every poll.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;

use pollback::relay::{Cause as RelayCause, Moved, Relay, RelayError};
use pollback::{Error, ErrorKind};
use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Answer, Control, End, Injected, Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncReadExt, AsyncWriteExt, split};

use crate::noted::Noted;
use crate::rig::Role;
use crate::sweep::ANSWERS;

/// How many bytes the client sends, and the backend.
const SENT: [usize; 2] = [1500, 900];

/// The pipes of a sweep.
#[derive(Clone, Copy, Debug)]
struct Pipes {
    capacity: usize,
    /// How many bytes the near ends buffer until they are flushed.
    buffer: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Case {
    /// The injected result, and the side and the call that it is for.
    strike: Option<(Role, usize, Answer)>,
    /// The number of the wait at which the relay is dropped.
    drop: Option<usize>,
    /// Whether it is disassembled then, and another one continues.
    apart: Option<usize>,
}

/// How one side has ended.
struct Side {
    received: Vec<u8>,
    /// Whether it has found the end of the stream.
    ended: bool,
    /// Whether the relay has aborted it.
    aborted: bool,
    calls: Vec<Operation>,
    applied: Option<Operation>,
}

struct Outcome {
    /// The client and the backend.
    sides: [Side; 2],
    /// `None` if the relay was dropped or has panicked.
    relay: Option<Result<Moved, RelayError>>,
    /// Whether the point was reached at which it was to be dropped or disassembled.
    stopped: bool,
}

/// The bytes that a side sends, which differ between the sides and from byte to byte.
fn bytes(side: usize) -> Vec<u8> {
    let byte = |index| (index * 7 + side * 101) as u8;
    (0..SENT[side]).map(byte).collect()
}

/// The index of a side in every pair.
fn place(role: Role) -> usize {
    role as usize
}

fn run(pipes: Pipes, case: Case) -> Outcome {
    let ends = [pipe(pipes.capacity), pipe(pipes.capacity)];
    let near: [Control; 2] = std::array::from_fn(|side| ends[side].1.control());
    let far: [Control; 2] = std::array::from_fn(|side| ends[side].0.control());
    if let Some(limit) = pipes.buffer {
        near.iter().for_each(|end| end.buffer(limit));
    }
    if let Some((role, call, answer)) = case.strike {
        near[place(role)].strike(call, answer);
    }
    let stopped = Cell::new(false);
    let watched = [&near[0], &near[1]];
    let mut executor = Executor::new();
    executor.between_rounds(|| {
        let more = near.iter().chain(&far).map(Control::step);
        more.fold(false, |any, more| any | more)
    });
    let [(client, near_client), (backend, near_backend)] = ends;
    let peers = [client, backend].map(split);
    let mut readers = Vec::new();
    for (side, (mut reader, mut writer)) in peers.into_iter().enumerate() {
        executor.spawn("a writer", async move {
            // After a failure nothing is left to do.
            let _ = writer.write_all(&bytes(side)).await;
            let _ = writer.shutdown().await;
        });
        readers.push(executor.spawn("a reader", async move {
            let mut received = Vec::new();
            let read = reader.read_to_end(&mut received).await;
            (received, read.is_ok())
        }));
    }
    let (near_client, client_aborted) = Noted::new(near_client);
    let (near_backend, backend_aborted) = Noted::new(near_backend);
    let aborted = [client_aborted, backend_aborted];
    let relay = Relay::new(near_client, near_backend);
    let relay = executor.spawn(
        "the relay",
        guarded(Watched::new(stopping(relay, case, &stopped), &watched)),
    );
    executor.run();
    let ended = readers.iter().map(|reader| reader.take());
    let mut sides = ended.enumerate().map(|(side, (received, ended))| Side {
        received,
        ended,
        aborted: aborted[side].get(),
        calls: near[side].calls(),
        applied: near[side].applied().first().map(|applied| applied.0),
    });
    let sides = std::array::from_fn(|_| sides.next().expect("two readers"));
    Outcome {
        sides,
        relay: relay.take().flatten(),
        stopped: stopped.get(),
    }
}

/// Returns `None` if it panics; everything that it owns is then dropped.
async fn guarded<F: Future>(future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        match polled {
            Ok(polled) => polled.map(Some),
            Err(payload) if payload.is::<Injected>() => Poll::Ready(None),
            Err(payload) => std::panic::resume_unwind(payload),
        }
    })
    .await
}

/// Runs the relay, and stops it as the case says.
async fn stopping(
    mut relay: Relay<Noted<End>, Noted<End>>,
    case: Case,
    stopped: &Cell<bool>,
) -> Option<Result<Moved, RelayError>> {
    let at = case.drop.or(case.apart);
    let mut waits = 0;
    let ended = poll_fn(|cx| match Pin::new(&mut relay).poll(cx) {
        Poll::Pending if at == Some(waits) => Poll::Ready(None),
        Poll::Pending => {
            waits += 1;
            Poll::Pending
        }
        ended => ended.map(Some),
    })
    .await;
    if ended.is_some() {
        return ended;
    }
    stopped.set(true);
    if case.drop.is_some() {
        return None;
    }
    let mut parts = relay.into_parts();
    // Both at the same time: neither peer may read before it has written.
    let (there, back) = both(
        parts.backend.write_all(&parts.to_backend),
        parts.client.write_all(&parts.to_client),
    )
    .await;
    there.and(back).expect("nothing is broken");
    let before = parts.moved;
    let more = Relay::new(parts.client, parts.backend).await;
    Some(more.map(|mut moved| {
        moved.to_backend += before.to_backend + parts.to_backend.len() as u64;
        moved.to_client += before.to_client + parts.to_client.len() as u64;
        moved
    }))
}

async fn both<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut one, mut other) = (None, None);
    poll_fn(|cx| {
        if one.is_none() {
            if let Poll::Ready(output) = first.as_mut().poll(cx) {
                one = Some(output);
            }
        }
        if other.is_none() {
            if let Poll::Ready(output) = second.as_mut().poll(cx) {
                other = Some(output);
            }
        }
        match (one.take(), other.take()) {
            (Some(one), Some(other)) => Poll::Ready((one, other)),
            (left, right) => {
                (one, other) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}

/// The expected effect of an injected result.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    /// Nothing visible.
    Nothing,
    /// The error object of the stream.
    Injected,
    Ours(ErrorKind),
    /// A premature end of the data of this side.
    FalseEnd,
    /// The relay unwinds.
    Panic,
}

fn expected(answer: Answer, operation: Operation) -> Expected {
    match (answer, operation) {
        (Answer::Error(io::ErrorKind::Interrupted), _) => Expected::Nothing,
        (Answer::Error(io::ErrorKind::WouldBlock), _) => Expected::Ours(ErrorKind::Unregistered),
        (Answer::Error(_) | Answer::Reset, _) => Expected::Injected,
        (Answer::Nothing | Answer::EndOfStream, Operation::Read) => Expected::FalseEnd,
        // A flush or a shutdown without effect: the pipe itself withholds what was sent.
        (Answer::Nothing, Operation::Flush | Operation::Shutdown) => Expected::FalseEnd,
        (Answer::Nothing, Operation::Write) => Expected::Ours(ErrorKind::WriteZero),
        (Answer::TooMuch, Operation::Write) => Expected::Ours(ErrorKind::OverReported),
        (Answer::Panic, _) => Expected::Panic,
        _ => Expected::Nothing,
    }
}

/// Returns what is wrong.
fn judge(case: Case, outcome: &Outcome, honest: Option<&Outcome>) -> Result<(), String> {
    let struck = case.strike.and_then(|(role, _, answer)| {
        let operation = outcome.sides[place(role)].applied?;
        Some((role, expected(answer, operation)))
    });
    let expected = struck.map_or(Expected::Nothing, |(_, expected)| expected);
    for (side, seen) in outcome.sides.iter().enumerate() {
        let sent = bytes(1 - side);
        if !sent.starts_with(&seen.received) {
            return Err(format!("side {side} received bytes that were not sent"));
        }
        let is_whole = seen.received.len() == sent.len();
        // A false end of stream of the pipe is accepted as the end.
        if seen.ended && !seen.aborted && !is_whole && expected != Expected::FalseEnd {
            return Err(format!(
                "side {side} regards {} of {} bytes as complete",
                seen.received.len(),
                sent.len()
            ));
        }
        if let Some(honest) = honest {
            let (calls, usual) = (seen.calls.len(), honest.sides[side].calls.len());
            if calls > 2 * usual + 24 {
                return Err(format!("side {side}: {calls} calls instead of {usual}"));
            }
        }
    }
    match (&outcome.relay, expected) {
        (None, Expected::Panic) => Ok(()),
        (None, _) if case.drop.is_some() && outcome.stopped => Ok(()),
        (Some(Ok(moved)), Expected::Nothing) => {
            let all = [moved.to_client, moved.to_backend] == [SENT[1] as u64, SENT[0] as u64];
            let received = [0, 1].map(|side| outcome.sides[side].received.len());
            match all && received == [SENT[1], SENT[0]] {
                true => Ok(()),
                false => Err(format!("{moved:?}, received {received:?}")),
            }
        }
        (Some(_), Expected::FalseEnd) => Ok(()),
        (Some(Err(error)), _) => match (&error.cause, struck) {
            (RelayCause::Client(error), Some((Role::Client, expected)))
            | (RelayCause::Backend(error), Some((Role::Server, expected)))
                if is_expected(error, expected) =>
            {
                Ok(())
            }
            (cause, _) => Err(format!("{cause:?} instead of {struck:?}")),
        },
        (relay, expected) => Err(format!("{relay:?} instead of {expected:?}")),
    }
}

fn is_expected(error: &io::Error, expected: Expected) -> bool {
    match expected {
        Expected::Injected => error.get_ref().is_some_and(|inner| inner.is::<Injected>()),
        Expected::Ours(kind) => Error::find(error).is_some_and(|error| error.kind() == kind),
        _ => false,
    }
}

fn sweep(pipes: Pipes) {
    let mut failures = Vec::new();
    let mut runs = 0;
    let mut check = |case: Case, honest: Option<&Outcome>| {
        runs += 1;
        let ran = catch_unwind(AssertUnwindSafe(|| run(pipes, case)));
        let judged = match &ran {
            Ok(outcome) => judge(case, outcome, honest),
            Err(_) => Err("it stalls, spins or panics".to_owned()),
        };
        if let Err(why) = judged {
            failures.push(format!("{case:?}\n    {why}"));
        }
        ran.ok()
    };
    let honest = check(Case::default(), None).expect("no fault was injected");
    for role in Role::BOTH {
        for answer in ANSWERS {
            for call in 0..honest.sides[place(role)].calls.len() {
                let strike = Some((role, call, answer));
                check(
                    Case {
                        strike,
                        ..Case::default()
                    },
                    Some(&honest),
                );
            }
        }
    }
    for stop in [
        |poll| Case {
            drop: Some(poll),
            ..Case::default()
        },
        |poll| Case {
            apart: Some(poll),
            ..Case::default()
        },
    ] {
        for poll in 0.. {
            let outcome = check(stop(poll), None);
            if outcome.is_some_and(|outcome| !outcome.stopped) {
                break;
            }
        }
    }
    eprintln!("{runs} runs");
    assert!(
        failures.is_empty(),
        "{} of {runs} runs failed, the first of them:\n{}",
        failures.len(),
        failures[..failures.len().min(20)].join("\n")
    );
}

#[test]
fn over_wide_pipes() {
    sweep(Pipes {
        capacity: 1 << 16,
        buffer: None,
    });
}

#[test]
fn over_pipes_that_fill_up() {
    sweep(Pipes {
        capacity: 300,
        buffer: None,
    });
}

#[test]
fn over_pipes_that_buffer() {
    sweep(Pipes {
        capacity: 400,
        buffer: Some(250),
    });
}

#[test]
fn over_pipes_of_a_few_bytes() {
    sweep(Pipes {
        capacity: 40,
        buffer: None,
    });
}
