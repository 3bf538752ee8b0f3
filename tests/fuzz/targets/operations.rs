//! Operations for two streams, and results for the pipe between them.

use std::future::poll_fn;
use std::task::Poll;

use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Control, Operation, pipe};

use super::answers::{self, Answer};
use super::input::Input;
use super::session::{Make, Session};

const OPERATIONS: [Operation; 4] = [
    Operation::Read,
    Operation::Write,
    Operation::Flush,
    Operation::Shutdown,
];

/// The input consists of the pipe, the results of its ends, its pauses, and the session with these
/// implementations.
pub(super) fn run(data: &[u8], make: Make) -> bool {
    let mut input = Input::new(data);
    let capacity = input.choose(&[1 << 16, 1, 2, 100, 5000]);
    let ends = pipe(capacity);
    let controls = [ends.0.control(), ends.1.control()];
    let mut executor = Executor::new();
    let mut answered = 0;
    let mut sound = true;
    for control in &controls {
        for answer in misbehave(control, &mut input) {
            answered += 1;
            sound &= !answer.is_fault();
        }
    }
    let standstills = input.list(7, |input| Standstill {
        control: input.choose(&[&controls[0], &controls[1]]).clone(),
        operation: input.choose(&OPERATIONS),
        before: input.byte(),
        turns: input.byte(),
    });
    // One byte at a time is slow.
    let session = Session::take(&mut input, if capacity > 2 { 40_000 } else { 600 }, make);
    executor.spawn("the pipe", async move {
        for standstill in standstills {
            standstill.happen().await;
        }
    });
    let moved = || {
        let bytes = controls.each_ref().map(|control| control.written().len());
        answered + bytes.iter().sum::<usize>()
    };
    session.run(&mut executor, ends, sound, moved)
}

/// Sets up one end, and returns the results that it will inject.
fn misbehave(control: &Control, input: &mut Input<'_>) -> Vec<Answer> {
    if input.flag() {
        control.scalar();
    }
    if input.flag() {
        control.buffer(input.choose(&[512, 3, 8192]));
    }
    let mut given = Vec::new();
    for operation in OPERATIONS {
        let mut list = answers::take(input);
        if matches!(operation, Operation::Flush | Operation::Shutdown) {
            // A flush without effect cannot be distinguished from a real one.
            list.retain(|answer| *answer != Answer::Nothing);
        }
        control.script(operation, list.iter().copied().map(Into::into));
        given.extend(list);
    }
    given
}

/// A pause of one operation for some turns; the waiting task is woken at its end.
struct Standstill {
    control: Control,
    operation: Operation,
    before: u8,
    turns: u8,
}

impl Standstill {
    async fn happen(self) {
        turns(self.before).await;
        self.control.block(self.operation);
        turns(self.turns).await;
        self.control.unblock(self.operation);
    }
}

/// Lets all other tasks run this many times.
async fn turns(mut count: u8) {
    poll_fn(|cx| {
        if count == 0 {
            return Poll::Ready(());
        }
        count -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
