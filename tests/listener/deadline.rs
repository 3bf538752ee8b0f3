//! One deadline for everything from accepting to the end of the handshake.

use super::{Reports, connect, hello, open, pipes, reports, setup};
use pollback::hello::Incoming;
use pollback::listener::{Stage, TlsListener, handshake_fn};
use std::future::pending;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

const DEADLINE: Duration = Duration::from_secs(5);

async fn assert_timed_out(reported: &mut Reports<usize>, number: usize, stage: Stage) {
    let failed = reported.recv().await.expect("a report");
    assert_eq!(failed.error.kind(), io::ErrorKind::TimedOut, "{failed}");
    let found = pollback::Error::find(&failed.error).map(|error| error.kind());
    assert_eq!(found, Some(pollback::ErrorKind::HandshakeTimeout));
    assert_eq!((failed.peer, failed.stage), (Some(number), stage));
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_disconnected_and_reported_at_the_deadline() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    super::serve(listener.with_deadline(DEADLINE).on_failure(report));
    let begun = Instant::now();
    let mut clients: Vec<_> = (0..10).map(|number| door.knock(number)).collect();
    for client in &mut clients {
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "an end of stream");
        assert_eq!(begun.elapsed(), DEADLINE);
    }
    let mut numbers = Vec::new();
    for _ in 0..10 {
        let failed = reported.recv().await.unwrap();
        assert_eq!(failed.error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(failed.stage, Stage::FirstByte);
        assert!(!failed.is_probe(), "it did not close");
        numbers.extend(failed.peer);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_trickles_is_disconnected_at_the_deadline() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    super::serve(listener.with_deadline(DEADLINE).on_failure(report));
    let begun = Instant::now();
    let mut client = door.knock(1);
    // A record of 500 bytes, of which one arrives each second.
    let mut hello = vec![22, 3, 1, 1, 0xf4, 1, 0, 1, 0xf0];
    hello.resize(505, 3);
    for byte in hello {
        if client.write_u8(byte).await.is_err() {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(begun.elapsed(), DEADLINE + Duration::from_secs(1));
    assert_timed_out(&mut reported, 1, Stage::Hello).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_after_its_hello_is_disconnected_at_the_deadline() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let (report, mut reported) = reports();
    super::serve(listener.with_deadline(DEADLINE).on_failure(report));
    let begun = Instant::now();
    let mut stalled = door.knock(1);
    // The client's first flight arrives after two seconds, and nothing after that.
    sleep(Duration::from_secs(2)).await;
    stalled.write_all(&hello(&setup)).await.unwrap();
    stalled.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(begun.elapsed(), DEADLINE);
    assert_timed_out(&mut reported, 1, Stage::Handshake).await;
}

#[tokio::test(start_paused = true)]
async fn an_endless_choice_is_dropped_at_the_deadline() {
    let setup = setup();
    let (door, pipes) = pipes();
    let (report, mut reported) = reports();
    let choose = |incoming: Incoming<DuplexStream>| async move {
        pending::<()>().await;
        Ok((incoming.into_rewind(), ()))
    };
    let mut listener = TlsListener::new(pipes, handshake_fn(choose))
        .with_deadline(DEADLINE)
        .on_failure(report);
    let server = tokio::spawn(async move { listener.accept().await.is_none() });
    let (near, far) = duplex(4096);
    door.send(Ok((far, 1))).unwrap();
    connect(&setup, near)
        .await
        .expect_err("the server hangs up");
    assert_timed_out(&mut reported, 1, Stage::Handshake).await;
    drop(door);
    assert!(server.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_can_be_out_of_reach() {
    let (door, listener) = open(setup());
    super::serve(listener.with_deadline(Duration::MAX));
    let mut client = door.connect(1).await.unwrap().unwrap();
    super::assert_echo(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_accept_is_reported() {
    const DELAY: Duration = Duration::from_secs(2);
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let mut listener = listener.with_deadline(DEADLINE).on_failure(report);
    let came = Instant::now();
    let (late, silent) = (door.knock(1), door.knock(2));
    let late = tokio::spawn(async move {
        sleep(DELAY).await;
        connect(&setup(), late).await
    });
    let connection = listener.accept().await.expect("a connection");
    assert_eq!(connection.peer().since, came);
    assert_eq!(came.elapsed(), DELAY);
    late.await.unwrap().unwrap();
    super::serve(listener);
    let failed = reported.recv().await.expect("a report");
    assert_eq!((failed.peer, failed.since), (Some(2), came));
    assert_eq!(came.elapsed(), DEADLINE);
    drop(silent);
}
