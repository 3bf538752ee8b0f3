//! Attempts that a poll repeats, and what it polls before.

use std::io;
use std::task::{Context, Poll, Waker};

use pollback::callback::{CallbackIo, Callbacks, Direction, Polled, Readiness};

use crate::callback_io::{answer, io, script_for};
use crate::script::{Own, Script};
use crate::support::{Operation, WakeCount, private_error, would_block};

#[test]
fn an_interrupted_attempt_is_repeated() {
    for operation in Operation::ALL {
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        let script = script_for(operation, vec![interrupted(), interrupted(), Ok(0)]);
        answer(operation, &mut io(&script)).unwrap();
        let flushes = usize::from(operation == Operation::Shutdown);
        assert_eq!(script.calls().len(), flushes + 3, "{operation:?}");
    }
}

#[test]
fn an_attempt_that_is_always_interrupted_lets_other_tasks_run() {
    let mut calls = 0;
    let read = |_: &mut [u8]| {
        calls += 1;
        Err(io::ErrorKind::Interrupted.into())
    };
    let mut io = CallbackIo::new(Callbacks::new(read, |_: &[u8]| Ok(0)), Polled);
    let (wakes, waker) = WakeCount::new();
    for polls in 1..=3 {
        assert!(Operation::Read.poll(&mut io, &waker).is_pending());
        assert_eq!(wakes.get(), polls);
    }
    assert!(calls > 3, "repeated within a poll");
}

/// Returns the same result for every blocked attempt, and records its direction.
pub(crate) struct Always<F>(pub(crate) Vec<Direction>, pub(crate) F);

impl<F: Fn() -> Poll<io::Result<()>>> Readiness for Always<F> {
    fn poll_blocked(&mut self, direction: Direction, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.push(direction);
        (self.1)()
    }
}

#[test]
fn a_blocked_attempt_polls_the_readiness_of_its_direction() {
    for operation in Operation::ALL {
        let script = script_for(operation, vec![Err(would_block())]);
        let mut io = CallbackIo::new(Own(script), Always(Vec::new(), || Poll::Pending));
        assert!(operation.poll(&mut io, Waker::noop()).is_pending());
        let direction = match operation {
            Operation::Read => Direction::Read,
            _ => Direction::Write,
        };
        assert_eq!(io.into_parts().1.0, [direction], "{operation:?}");
    }
}

#[test]
fn an_attempt_is_repeated_when_the_readiness_requests_it() {
    for operation in Operation::COUNTING {
        let script = Script::new([Err(would_block()), Err(would_block()), Ok(2)]);
        let always = Always(Vec::new(), || Poll::Ready(Ok(())));
        let mut io = CallbackIo::new(Own(script.clone()), always);
        assert_eq!(answer(operation, &mut io).unwrap(), 2);
        assert_eq!(script.calls().len(), 3);
        assert_eq!(io.into_parts().1.0.len(), 2);
    }
}

#[test]
fn a_readiness_that_is_always_wrong_lets_other_tasks_run() {
    let always = Always(Vec::new(), || Poll::Ready(Ok(())));
    let callbacks = Callbacks::new(|_: &mut [u8]| Err(would_block()), |_: &[u8]| Ok(0));
    let mut io = CallbackIo::new(callbacks, always);
    let (wakes, waker) = WakeCount::new();
    assert!(Operation::Read.poll(&mut io, &waker).is_pending());
    assert_eq!(wakes.get(), 1);
}

#[test]
fn the_readiness_can_fail_the_operation() {
    for operation in Operation::ALL {
        let (error, identity) = private_error(io::ErrorKind::Other);
        let error = std::cell::Cell::new(Some(error));
        let failing = Always(Vec::new(), || Poll::Ready(Err(error.take().unwrap())));
        let script = script_for(operation, vec![Err(would_block())]);
        let mut io = CallbackIo::new(Own(script), failing);
        identity.assert_is(&answer(operation, &mut io).unwrap_err());
    }
}
