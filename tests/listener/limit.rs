//! How many handshakes may be in flight.

use super::{assert_echo, open, reports, serve, setup};
use pollback::listener::{Stage, WhenFull};
use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

const DEADLINE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_a_connection_waits() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let listener = listener
        .with_deadline(DEADLINE)
        .with_limit(2, WhenFull::Wait)
        .on_failure(report);
    serve(listener);
    let begun = Instant::now();
    let _silent = [door.knock(1), door.knock(2)];
    let mut client = door.connect(3).await.unwrap().unwrap();
    assert_echo(&mut client).await;
    assert_eq!(begun.elapsed(), DEADLINE, "served when there was room");
    for _ in 0..2 {
        let failed = reported.recv().await.unwrap();
        assert_eq!(failed.error.kind(), io::ErrorKind::TimedOut);
    }
    assert!(reported.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_a_connection_is_refused() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let listener = listener
        .with_deadline(DEADLINE)
        .with_limit(2, WhenFull::Refuse)
        .on_failure(report);
    serve(listener);
    let begun = Instant::now();
    let _silent = [door.knock(1), door.knock(2)];
    let mut refused = door.knock(3);
    assert_eq!(refused.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.error.kind(), io::ErrorKind::QuotaExceeded);
    assert_eq!((failed.peer, failed.stage), (Some(3), Stage::Accept));
    for _ in 0..2 {
        let failed = reported.recv().await.unwrap();
        assert_eq!(failed.error.kind(), io::ErrorKind::TimedOut);
    }
    // There is room again.
    let mut client = door.connect(4).await.unwrap().unwrap();
    assert_echo(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn established_connections_do_not_count() {
    let (door, listener) = open(setup());
    serve(listener.with_limit(0, WhenFull::Refuse));
    let mut clients = Vec::new();
    for number in 0..5 {
        let mut client = door.connect(number).await.unwrap().unwrap();
        // An answer shows that the server, too, is through with the handshake.
        assert_echo(&mut client).await;
        clients.push(client);
    }
    for client in &mut clients {
        assert_echo(client).await;
    }
}
