//! Clean and other ends of streams.

use std::io;

use pollback_testkit::executor::Executor;
use pollback_testkit::pipe::{Answer, End, Operation, SHAPES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::pairs::{Pair, backend_error, client_error, ended, hear, moved, pattern, say, spawn};

/// Each side ends once before the other, and receives everything that the other sends afterwards.
async fn one_after_the_other(first: &mut End, second: &mut End) {
    let words = async {
        say(first, b"the last words").await;
        first.shutdown().await.expect("a shutdown");
    };
    tokio::join!(words, async {
        hear(second, b"the last words").await;
        ended(second).await;
    });
    let much = pattern(100_000, 1);
    tokio::join!(say(second, &much), hear(first, &much));
    second.shutdown().await.expect("a shutdown");
    ended(first).await;
}

#[test]
fn a_half_close_is_forwarded_from_either_side() {
    for shape in &SHAPES {
        for client_first in [true, false] {
            eprintln!("over {}, the client first: {client_first}", shape.name);
            let pair = Pair::of_shape(shape);
            let near = [&pair.near_client, &pair.near_backend];
            let (mut client, mut backend) = (pair.client, pair.backend);
            let mut executor = Executor::new();
            let relay = spawn(&mut executor, pair.relay, &near);
            executor.spawn("both sides", async move {
                match client_first {
                    true => one_after_the_other(&mut client, &mut backend).await,
                    false => one_after_the_other(&mut backend, &mut client).await,
                }
            });
            executor.run();
            let counts = moved(relay.take().expect("both have ended"));
            let expected = match client_first {
                true => (14, 100_000),
                false => (100_000, 14),
            };
            assert_eq!(counts, expected);
            assert!(!pair.client_aborted.get() && !pair.backend_aborted.get());
        }
    }
}

#[test]
fn bytes_that_are_not_accepted_yet_go_before_an_end_or_a_failure() {
    for fails in [false, true] {
        eprintln!("fails: {fails}");
        let mut pair = Pair::over(100);
        pair.inject_and_end(&[1; 10], fails);
        pair.near_backend.block(Operation::Write);
        let near = [&pair.near_client, &pair.near_backend];
        let mut executor = Executor::new();
        let relay = spawn(&mut executor, pair.relay, &near);
        executor.run_until_stalled();
        assert!(!relay.is_finished());
        assert_eq!(pair.near_backend.counts().shutdown.calls, 0);
        pair.near_backend.unblock(Operation::Write);
        let heard = executor.spawn("the backend", async {
            let mut heard = vec![0; 10];
            pair.backend.read_exact(&mut heard).await.expect("10 bytes");
            heard
        });
        executor.run_until_stalled();
        assert_eq!(heard.take(), [1; 10]);
        assert_eq!(relay.is_finished(), fails);
        assert_eq!(pair.backend_aborted.get(), fails);
        let shut = pair.near_backend.counts().shutdown.calls;
        assert_eq!(shut > 0, !fails);
    }
}

#[test]
fn a_truncation_delivers_what_came_before_it_and_aborts() {
    for shape in &SHAPES {
        eprintln!("over {}", shape.name);
        let mut pair = Pair::of_shape(shape);
        let near = [&pair.near_client, &pair.near_backend];
        let said = pattern(5000, 2);
        pair.near_client.inject(&said);
        // The second read fails, however much the first has returned.
        let cut = Answer::Error(io::ErrorKind::ConnectionReset);
        let answers = [Answer::Honest, cut, cut];
        pair.near_client.script(Operation::Read, answers);
        let mut executor = Executor::new();
        let relay = spawn(&mut executor, pair.relay, &near);
        let listener = executor.spawn("the backend", async {
            let mut heard = Vec::new();
            let read = pair.backend.read_to_end(&mut heard).await;
            assert_eq!(read.expect("a pipe has no reset"), heard.len());
            heard
        });
        executor.run();
        let read = pair.near_client.counts().read.bytes;
        assert!(read > 0);
        assert!(listener.take() == said[..read]);
        let ended = relay.take();
        let error = ended.as_ref().expect_err("the client has failed");
        assert_eq!(moved(error.moved), (read as u64, 0));
        assert_eq!(client_error(ended).kind(), io::ErrorKind::ConnectionReset);
        assert!(pair.client_aborted.get() && pair.backend_aborted.get());
    }
}

#[test]
fn a_buffering_transport_is_flushed_before_a_truncation_is_reported() {
    let pair = Pair::over(1 << 20);
    pair.near_backend.buffer(4096);
    pair.near_client.inject(b"some bytes");
    // They and the error are found in the same poll, so nothing was flushed in between.
    pair.near_client.script(
        Operation::Read,
        [
            Answer::Honest,
            Answer::Error(io::ErrorKind::ConnectionReset),
        ],
    );
    let near = [&pair.near_client, &pair.near_backend];
    let mut executor = Executor::new();
    let relay = spawn(&mut executor, pair.relay, &near);
    executor.run();
    client_error(relay.take());
    assert_eq!(pair.near_backend.take_unread_by_peer(), b"some bytes");
}

#[test]
fn data_of_a_side_that_accepts_nothing_is_still_forwarded() {
    let pair = Pair::over(64);
    let near = [&pair.near_client, &pair.near_backend];
    let (mut client, mut backend) = (pair.client, pair.backend);
    let mut executor = Executor::new();
    let relay = spawn(&mut executor, pair.relay, &near);
    executor.spawn("both sides", async move {
        say(&mut backend, b"the answer").await;
        drop(backend);
        // It is not accepted, and that blocks nothing.
        say(&mut client, &[7; 100_000]).await;
        hear(&mut client, b"the answer").await;
        ended(&mut client).await;
        say(&mut client, &[7; 100_000]).await;
        client.shutdown().await.expect("a shutdown");
    });
    executor.run();
    let error = backend_error(relay.take());
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    // The client's stream had a clean end, and the backend's had not.
    assert!(!pair.client_aborted.get() && pair.backend_aborted.get());
}

#[test]
fn a_reset_found_by_a_write_is_not_an_end_of_stream() {
    let pair = Pair::over(1 << 20);
    let near = [&pair.near_client, &pair.near_backend];
    let (mut client, backend) = (pair.client, pair.backend);
    // As in a kernel: the write reports it, and the read after it finds the end.
    pair.near_backend.script(Operation::Write, [Answer::Reset]);
    let mut executor = Executor::new();
    let relay = spawn(&mut executor, pair.relay, &near);
    let question = executor.spawn("the client", async move {
        say(&mut client, b"a question").await;
        client
    });
    executor.run_until_stalled();
    assert!(relay.is_finished(), "it waits for more");
    let error = backend_error(relay.take());
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(pair.client_aborted.get() && pair.backend_aborted.get());
    assert_eq!(pair.near_client.counts().shutdown.calls, 0);
    drop((question.take(), backend));
}

#[test]
fn the_first_failure_is_reported() {
    let mut pair = Pair::over(1 << 20);
    let near = [&pair.near_client, &pair.near_backend];
    pair.near_backend
        .script(Operation::Write, [Answer::Error(io::ErrorKind::BrokenPipe)]);
    let mut executor = Executor::new();
    let relay = spawn(&mut executor, pair.relay, &near);
    let said = executor.spawn("the client", async { say(&mut pair.client, b"?").await });
    executor.run_until_stalled();
    said.take();
    pair.near_client.always(
        Operation::Read,
        Answer::Error(io::ErrorKind::ConnectionReset),
    );
    pair.near_client.unblock(Operation::Read);
    executor.run();
    assert_eq!(
        backend_error(relay.take()).kind(),
        io::ErrorKind::BrokenPipe
    );
}

#[test]
fn a_transport_that_breaks_its_contract_is_an_error() {
    for (answer, kind) in [
        (Answer::Nothing, io::ErrorKind::WriteZero),
        (Answer::TooMuch, io::ErrorKind::Other),
        (
            Answer::Error(io::ErrorKind::WouldBlock),
            io::ErrorKind::Other,
        ),
    ] {
        eprintln!("{answer:?}");
        let pair = Pair::over(1 << 20);
        let near = [&pair.near_client, &pair.near_backend];
        pair.near_backend.script(Operation::Write, [answer]);
        pair.near_client.inject(b"a question");
        pair.near_client.end_of_stream();
        pair.near_backend.end_of_stream();
        let mut executor = Executor::new();
        let relay = spawn(&mut executor, pair.relay, &near);
        executor.run();
        assert_eq!(backend_error(relay.take()).kind(), kind);
    }
}
