//! Timeouts and limits, with tokio's paused clock.

use std::io;
use std::task::Poll;
use std::time::Duration;

use pollback::relay::{AbortByDrop, Cause, Relay};
use pollback_testkit::budget::poll_with;
use pollback_testkit::executor::Executor;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep};

use crate::pairs::{Ended, Pair, hear, moved, say, spawn};

const IDLE: Duration = Duration::from_secs(60);

type Near = AbortByDrop<DuplexStream>;

/// Starts a relay between two pipes, and returns the far ends.
fn start(
    with: impl FnOnce(Relay<Near, Near>) -> Relay<Near, Near>,
) -> (DuplexStream, DuplexStream, JoinHandle<Ended>) {
    let (client, near_client) = duplex(64);
    let (backend, near_backend) = duplex(64);
    let relay = Relay::new(AbortByDrop(near_client), AbortByDrop(near_backend));
    (client, backend, tokio::spawn(with(relay)))
}

#[tokio::test(start_paused = true)]
async fn a_byte_in_either_direction_resets_the_idle_timeout() {
    let (mut client, mut backend, relay) = start(|relay| relay.with_idle_timeout(IDLE));
    for _ in 0..3 {
        sleep(IDLE - Duration::from_secs(1)).await;
        say(&mut client, b"1").await;
        hear(&mut backend, b"1").await;
        sleep(IDLE - Duration::from_secs(1)).await;
        say(&mut backend, b"2").await;
        hear(&mut client, b"2").await;
    }
    let last = Instant::now();
    let error = relay.await.expect("no panic").expect_err("idle");
    assert!(matches!(error.cause, Cause::Idle), "{error:?}");
    assert_eq!(moved(error.moved), (3, 3));
    // To the millisecond, which is the resolution of the clock.
    assert_eq!(last.elapsed().as_secs(), IDLE.as_secs());
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_accepts_nothing_is_idle() {
    let (mut client, _backend, relay) = start(|relay| relay.with_idle_timeout(IDLE));
    let begun = Instant::now();
    // Bytes are accepted as far as the pipes and the relay can hold them.
    let failed = client.write_all(&[7; 1 << 20]).await;
    let failed = failed.expect_err("the relay has ended");
    assert_eq!(failed.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(begun.elapsed().as_secs(), IDLE.as_secs());
    let error = relay.await.expect("no panic").expect_err("idle");
    assert!(matches!(error.cause, Cause::Idle), "{error:?}");
    assert_eq!(moved(error.moved), (64, 0));
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_ends_an_active_relay() {
    let limit = 10 * IDLE;
    let with = |relay: Relay<Near, Near>| relay.with_idle_timeout(IDLE).with_time_limit(limit);
    let (mut client, backend, relay) = start(with);
    let begun = Instant::now();
    tokio::spawn(async move {
        while client.write_all(b"1").await.is_ok() {
            sleep(Duration::from_secs(31)).await;
        }
        drop(backend);
    });
    let error = relay.await.expect("no panic").expect_err("a limit");
    assert_eq!(begun.elapsed().as_secs(), limit.as_secs());
    assert!(matches!(error.cause, Cause::TimeLimit), "{error:?}");
    assert_eq!(moved(error.moved), (600 / 31 + 1, 0));
}

#[tokio::test(start_paused = true)]
async fn infinite_times_are_not_limits() {
    let with = |relay: Relay<Near, Near>| {
        relay
            .with_idle_timeout(Duration::MAX)
            .with_time_limit(Duration::MAX)
    };
    let (mut client, mut backend, relay) = start(with);
    sleep(Duration::from_secs(1 << 30)).await;
    say(&mut client, b"1").await;
    hear(&mut backend, b"1").await;
    drop((client, backend));
    assert_eq!(
        moved(relay.await.expect("no panic").expect("an end")),
        (1, 0)
    );
}

#[test]
fn a_byte_limit_allows_exactly_that_many_bytes() {
    for (limit, is_enough) in [(0, false), (149, false), (150, true), (151, true)] {
        eprintln!("{limit} bytes");
        let pair = Pair::over(1 << 20);
        pair.near_client.buffer(4096);
        pair.near_backend.buffer(4096);
        let near = [&pair.near_client, &pair.near_backend];
        let (mut client, mut backend) = (pair.client, pair.backend);
        let mut executor = Executor::new();
        let relay = spawn(&mut executor, pair.relay.with_byte_limit(limit), &near);
        executor.spawn("the client", async move {
            say(&mut client, &[1; 100]).await;
            client.shutdown().await.expect("a shutdown");
            client.read_to_end(&mut Vec::new()).await
        });
        executor.run_until_stalled();
        executor.spawn("the backend", async move {
            // After the client, so that the order of counting is known.
            backend.write_all(&[2; 50]).await?;
            backend.shutdown().await?;
            backend.read_to_end(&mut Vec::new()).await
        });
        executor.run_until_stalled();
        assert!(relay.is_finished());
        let result = relay.take();
        assert_eq!(result.is_ok(), is_enough, "{result:?}");
        let counts = match result {
            Ok(all) => moved(all),
            Err(error) => {
                assert!(matches!(error.cause, Cause::ByteLimit), "{error:?}");
                let counts = moved(error.moved);
                assert_eq!(io::Error::from(error).kind(), io::ErrorKind::QuotaExceeded);
                counts
            }
        };
        assert_eq!(counts.0 + counts.1, limit.min(150));
        // They were flushed as well.
        assert_eq!(pair.near_backend.written().len() as u64, counts.0);
        assert_eq!(pair.near_client.written().len() as u64, counts.1);
    }
}

#[test]
fn a_byte_limit_also_holds_if_an_end_or_a_failure_was_read_with_the_bytes() {
    for limit in [0, 4, 9, 10] {
        for fails in [false, true] {
            eprintln!("{limit} bytes, fails: {fails}");
            let pair = Pair::over(100);
            pair.inject_and_end(&[1; 10], fails);
            let near = [&pair.near_client, &pair.near_backend];
            let mut executor = Executor::new();
            let relay = spawn(&mut executor, pair.relay.with_byte_limit(limit), &near);
            executor.run_until_stalled();
            let written = pair.near_backend.written().len() as u64;
            assert_eq!(written, limit);
            if limit == 10 && !fails {
                // The backend has not ended.
                assert!(!relay.is_finished());
                continue;
            }
            let error = relay.take().expect_err("a limit or a failure");
            assert_eq!(moved(error.moved), (limit, 0));
            match fails {
                true => assert!(matches!(error.cause, Cause::Client(_)), "{error:?}"),
                false => assert!(matches!(error.cause, Cause::ByteLimit), "{error:?}"),
            }
        }
    }
}

/// As the streams of a busy relay leave it.
#[tokio::test(start_paused = true)]
async fn limits_apply_to_a_task_without_budget() {
    let (_client, near_client) = duplex(64);
    let (_backend, near_backend) = duplex(64);
    let relay = Relay::new(AbortByDrop(near_client), AbortByDrop(near_backend));
    let mut relay = relay.with_time_limit(IDLE);
    assert!(poll_with(0, &mut relay).await.is_pending());
    advance(IDLE).await;
    match poll_with(0, &mut relay).await {
        Poll::Ready(Err(error)) => assert!(matches!(error.cause, Cause::TimeLimit), "{error:?}"),
        other => panic!("{other:?}"),
    }
}
