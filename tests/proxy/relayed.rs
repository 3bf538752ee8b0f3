//! The relay by itself: over pipes in memory, and by tokio's paused clock.

use std::io;
use std::time::Duration;

use prometheus::IntCounter;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufStream, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::peers::{ended, exchange, hear, say};
use crate::relay::{Outcome, relay};
use crate::traffic::Traffic;

const IDLE: Duration = Duration::from_secs(60);

/// A relay between two pipes of this size, whose near ends `wrap` wraps; the far ends come back.
fn start<T>(
    size: usize,
    wrap: impl Fn(DuplexStream) -> T,
) -> (DuplexStream, DuplexStream, JoinHandle<(Outcome, u64, u64)>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, near_client) = duplex(size);
    let (backend, near_backend) = duplex(size);
    let (mut near_client, mut near_backend) = (wrap(near_client), wrap(near_backend));
    let relayed = tokio::spawn(async move {
        let total = |name| IntCounter::new(name, "A total.").expect("a valid name");
        let (to_backend, to_client) = (total("to_backend"), total("to_client"));
        let traffic = Traffic::new(to_backend.clone(), to_client.clone());
        let outcome = relay(&mut near_client, &mut near_backend, IDLE, &traffic).await;
        let counts = (traffic.to_backend.bytes(), traffic.to_client.bytes());
        assert_eq!(counts, (to_backend.get(), to_client.get()));
        (outcome, counts.0, counts.1)
    });
    (client, backend, relayed)
}

#[tokio::test(start_paused = true)]
async fn a_source_that_goes_quiet_leaves_nothing_behind() {
    // What is wrapped keeps back all that is not flushed.
    let (mut client, mut backend, _relay) = start(64, BufStream::new);
    for _ in 0..3 {
        exchange(&mut client, &mut backend).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipe_of_one_byte_carries_all() {
    let (mut client, mut backend, relayed) = start(1, |pipe| pipe);
    let there: Vec<_> = (0..40_000u32).map(|byte| (byte % 251) as u8).collect();
    let back: Vec<_> = (0..30_000u32).map(|byte| (byte % 241) as u8).collect();
    let (mut client_reader, mut client_writer) = tokio::io::split(&mut client);
    let (mut backend_reader, mut backend_writer) = tokio::io::split(&mut backend);
    tokio::join!(
        async {
            say(&mut client_writer, &there).await;
            client_writer.shutdown().await.expect("a shutdown");
        },
        async {
            hear(&mut backend_reader, &there).await;
            ended(&mut backend_reader).await;
        },
        async {
            say(&mut backend_writer, &back).await;
            backend_writer.shutdown().await.expect("a shutdown");
        },
        async {
            hear(&mut client_reader, &back).await;
            ended(&mut client_reader).await;
        },
    );
    let (outcome, to_backend, to_client) = relayed.await.expect("no panic");
    assert!(matches!(outcome, Outcome::Closed), "{outcome:?}");
    assert_eq!((to_backend, to_client), (40_000, 30_000));
}

#[tokio::test(start_paused = true)]
async fn a_byte_in_either_direction_is_a_sign_of_life() {
    let (mut client, mut backend, relayed) = start(64, |pipe| pipe);
    for _ in 0..3 {
        sleep(IDLE - Duration::from_secs(1)).await;
        say(&mut client, b"1").await;
        hear(&mut backend, b"1").await;
        sleep(IDLE - Duration::from_secs(1)).await;
        say(&mut backend, b"2").await;
        hear(&mut client, b"2").await;
    }
    let last = Instant::now();
    let (outcome, ..) = relayed.await.expect("no panic");
    assert!(matches!(outcome, Outcome::Idle), "{outcome:?}");
    // To the millisecond, which is as fine as the clock is.
    assert_eq!(last.elapsed().as_secs(), IDLE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_idle() {
    let (mut client, _backend, relayed) = start(64, |pipe| pipe);
    let begun = Instant::now();
    // It is taken as far as the pipes and the relay go.
    let flooding = client.write_all(&[7; 1 << 20]);
    let failed = flooding.await.expect_err("the relay has ended");
    assert_eq!(failed.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(begun.elapsed().as_secs(), IDLE.as_secs());
    let (outcome, ..) = relayed.await.expect("no panic");
    assert!(matches!(outcome, Outcome::Idle), "{outcome:?}");
}

/// One side says something and is gone; the other is heard to its end.
async fn leave(leaving: DuplexStream, staying: &mut DuplexStream) {
    let mut leaving = leaving;
    say(&mut leaving, b"the last words").await;
    drop(leaving);
    say(staying, &[7; 100_000]).await;
    hear(staying, b"the last words").await;
    ended(staying).await;
    say(staying, &[7; 100_000]).await;
    staying.shutdown().await.expect("a shutdown");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_is_dropped_and_told() {
    let (mut client, backend, relayed) = start(64, |pipe| pipe);
    leave(backend, &mut client).await;
    match relayed.await.expect("no panic").0 {
        Outcome::BackendFailed(error) => assert_eq!(error.kind(), io::ErrorKind::BrokenPipe),
        other => panic!("{other:?}"),
    }
    let (client, mut backend, relayed) = start(64, |pipe| pipe);
    leave(client, &mut backend).await;
    match relayed.await.expect("no panic").0 {
        Outcome::ClientFailed(error) => assert_eq!(error.kind(), io::ErrorKind::BrokenPipe),
        other => panic!("{other:?}"),
    }
}
