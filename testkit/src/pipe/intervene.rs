//! Returns injected results in place of the pipe's own.

use std::io;
use std::panic::resume_unwind;
use std::task::{Context, Poll};

use super::faults::{Answer, Injected, Operation};
use super::wire::View;

pub(super) enum Intervention {
    /// The pipe's own result, for at most this many bytes.
    Proceed(usize),
    /// The pipe accepts everything, and reports more.
    TooMuch,
    Answer(Poll<io::Result<()>>),
}

const HONESTLY: Intervention = Intervention::Proceed(usize::MAX);

pub(super) fn intervene(
    view: &mut View<'_>,
    cx: &Context<'_>,
    operation: Operation,
) -> Intervention {
    view.own.faults.calls.push(operation);
    view.forget(operation);
    if view.own.faults.is_silent() {
        return Intervention::Answer(Poll::Pending);
    }
    if view.own.outgoing.learns_of_reset() {
        return failure(io::ErrorKind::ConnectionReset.into());
    }
    let broken = view.own.outgoing.closed || view.own.outgoing.abandoned;
    if broken && operation != Operation::Read {
        // As on a socket: a broken connection fails every time.
        return HONESTLY;
    }
    if view.own.faults.on(operation).blocked {
        view.park(operation, cx);
        return Intervention::Answer(Poll::Pending);
    }
    match view.own.faults.next_answer(operation) {
        Answer::Honest => HONESTLY,
        Answer::AtMost(bytes) => Intervention::Proceed(bytes),
        Answer::Spurious => {
            view.wake(Some(cx.waker().clone()));
            HONESTLY
        }
        Answer::Pending => {
            view.wake(Some(cx.waker().clone()));
            Intervention::Answer(Poll::Pending)
        }
        Answer::Delayed(steps) => {
            view.park(operation, cx);
            view.own.timers.push((operation, steps));
            Intervention::Answer(Poll::Pending)
        }
        Answer::Nothing => Intervention::Answer(Poll::Ready(Ok(()))),
        Answer::Error(kind) => failure(io::Error::new(kind, Injected)),
        Answer::Code(code) => failure(io::Error::from_raw_os_error(code)),
        Answer::EndOfStream => {
            if operation == Operation::Read {
                view.incoming.cut();
                view.wake_all();
            }
            HONESTLY
        }
        Answer::Reset => {
            view.own.outgoing.cut();
            view.incoming.cut();
            view.incoming.reset();
            view.wake_all();
            failure(io::Error::new(io::ErrorKind::ConnectionReset, Injected))
        }
        Answer::Panic => resume_unwind(Box::new(Injected)),
        Answer::TooMuch if operation == Operation::Write => Intervention::TooMuch,
        Answer::TooMuch => HONESTLY,
    }
}

fn failure(error: io::Error) -> Intervention {
    Intervention::Answer(Poll::Ready(Err(error)))
}
