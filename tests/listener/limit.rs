//! Limits on handshakes and connections.

use super::{assert_echo, open, reports, serve, setup};
use pollback::listener::{Stage, WhenFull};
use std::io;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

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
        .with_limit(2, WhenFull::Close)
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
    serve(listener.with_limit(0, WhenFull::Close));
    let mut clients = Vec::new();
    for number in 0..5 {
        let mut client = door.connect(number).await.unwrap().unwrap();
        // A response shows that the handshake is complete for the server, too.
        assert_echo(&mut client).await;
        clients.push(client);
    }
    for client in &mut clients {
        assert_echo(client).await;
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_on_connections_a_client_waits() {
    let (door, listener) = open(setup());
    let mut listener = listener.with_connection_limit(2, WhenFull::Wait);
    let first = door.connect(1);
    let one = listener.accept().await.unwrap();
    let second = door.connect(2);
    let other = listener.accept().await.unwrap();
    let third = door.connect(3);
    assert!(timeout(DEADLINE, listener.accept()).await.is_err());
    assert!(!third.is_finished());
    drop(one);
    assert_eq!(listener.accept().await.unwrap().peer().address, 3);
    // A stream that was taken out is no longer counted.
    let _stream = other.into_parts();
    let fourth = door.connect(4);
    assert_eq!(listener.accept().await.unwrap().peer().address, 4);
    for client in [first, second, third, fourth] {
        client.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_waits_for_room_is_woken_by_it() {
    let (door, listener) = open(setup());
    let mut listener = listener.with_connection_limit(0, WhenFull::Wait);
    let first = door.connect(1);
    let one = listener.accept().await.unwrap();
    let accepting = tokio::spawn(async move { listener.accept().await.unwrap().peer().address });
    let second = door.connect(2);
    tokio::time::sleep(DEADLINE).await;
    assert!(!second.is_finished());
    drop(one);
    assert_eq!(accepting.await.unwrap(), 2);
    drop((first, second));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_on_connections_a_client_is_refused() {
    let (door, listener) = open(setup());
    let (report, mut reported) = reports();
    let mut listener = listener
        .with_deadline(DEADLINE)
        .with_connection_limit(2, WhenFull::Close)
        .on_failure(report);
    let first = door.connect(1);
    let connection = listener.accept().await.unwrap();
    let silent = door.knock(2);
    let mut refused = door.knock(3);
    let accepting = tokio::spawn(async move { listener.accept().await.unwrap().peer().address });
    assert_eq!(refused.read(&mut [0]).await.unwrap(), 0);
    let failed = reported.recv().await.unwrap();
    assert_eq!((failed.peer, failed.stage), (Some(3), Stage::Accept));
    assert_eq!(failed.error.kind(), io::ErrorKind::QuotaExceeded);
    assert!(failed.error.to_string().contains("connections"), "{failed}");
    // A failed handshake makes room.
    let failed = reported.recv().await.unwrap();
    assert_eq!(failed.error.kind(), io::ErrorKind::TimedOut);
    let fourth = door.connect(4);
    assert_eq!(accepting.await.unwrap(), 4);
    drop((first, connection, silent, fourth));
}
