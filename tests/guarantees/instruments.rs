//! Tests of the instruments of these tests: one that cannot fail proves nothing.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pollback_testkit::executor::{self, Executor};
use pollback_testkit::pipe::{Answer, Operation, pipe};
use pollback_testkit::watched::Watched;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use crate::support::poll_once;

#[test]
#[should_panic(expected = "stalled: no task will be woken")]
fn executor_sees_a_hang() {
    executor::block_on(pending::<()>());
}

#[test]
#[should_panic(expected = "stalled: no task will be woken")]
fn executor_ignores_the_waker_of_an_earlier_poll() {
    let mut first_waker: Option<Waker> = None;
    let mut polls = 0;
    executor::block_on(poll_fn(|cx| {
        polls += 1;
        match polls {
            1 => {
                first_waker = Some(cx.waker().clone());
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            2 => {
                first_waker.take().expect("kept by the first poll").wake();
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }));
}

#[test]
#[should_panic(expected = "spinning")]
fn executor_sees_a_spin() {
    executor::block_on(poll_fn(|cx: &mut Context<'_>| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
}

#[test]
#[should_panic(expected = "pending, although no transport was pending")]
fn watched_sees_a_pending_without_reason() {
    let (end, _peer) = pipe(1);
    executor::block_on(Watched::new(pending::<()>(), &[&end.control()]));
}

#[test]
fn pipe_wakes_the_side_that_can_move() {
    let (mut left, mut right) = pipe(1);
    executor::join(
        async {
            left.write_all(b"abc").await.expect("room is made");
            left.shutdown().await.expect("a close");
        },
        async {
            let mut received = Vec::new();
            right.read_to_end(&mut received).await.expect("an end");
            assert_eq!(received, b"abc");
        },
    );
}

#[test]
fn pipe_keeps_only_the_latest_waker() {
    let (mut left, right) = pipe(8);
    let right = RefCell::new(right);
    let read = || {
        poll_fn(|cx| Pin::new(&mut *right.borrow_mut()).poll_read(cx, &mut ReadBuf::new(&mut [0])))
    };
    let mut executor = Executor::new();
    let earlier = executor.spawn("earlier", read());
    let later = executor.spawn("later", read());
    assert!(!executor.run_until_stalled());
    assert!(poll_once(left.write_all(b"x")).is_ready());
    executor.run_until_stalled();
    assert!(later.is_finished() && !earlier.is_finished());
}

#[test]
fn buffered_pipe_delivers_on_flush() {
    let (mut left, right) = pipe(8);
    left.control().buffer(4);
    assert!(poll_once(left.write_all(b"abc")).is_ready());
    assert_eq!(right.control().unread(), 0);
    assert!(poll_once(left.flush()).is_ready());
    assert_eq!(right.control().unread(), 3);
}

#[test]
fn pipe_returns_scripted_results() {
    let (mut left, right) = pipe(8);
    let control = left.control();
    let failure = Answer::Error(ErrorKind::HostUnreachable);
    control.script(Operation::Write, [Answer::Nothing, failure]);
    assert!(matches!(poll_once(left.write(b"a")), Poll::Ready(Ok(0))));
    let answer = poll_once(left.write(b"a"));
    assert!(matches!(answer, Poll::Ready(Err(e)) if e.kind() == ErrorKind::HostUnreachable));
    control.block(Operation::Write);
    assert!(poll_once(left.write(b"a")).is_pending());
    control.unblock(Operation::Write);
    assert!(matches!(poll_once(left.write(b"a")), Poll::Ready(Ok(1))));
    drop(right);
    let answer = poll_once(left.write(b"a"));
    assert!(matches!(answer, Poll::Ready(Err(e)) if e.kind() == ErrorKind::BrokenPipe));
}
