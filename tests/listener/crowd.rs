//! Many clients that stall at the same time.

use super::{assert_echo, heap, hello, pipes, reports, serve, setup};
use pollback::listener::TlsListener;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

const CLIENTS: usize = 1000;

const DEADLINE: Duration = Duration::from_secs(5);

/// Lets clients stall after sending these bytes. Each may cost at most `bytes` of heap.
async fn assert_cheap(said: &[u8], bytes: isize) {
    let setup = setup();
    let (sender, pipes) = pipes();
    let (report, mut reported) = reports();
    let listener = TlsListener::new(pipes, super::shared(setup.server()))
        .with_deadline(DEADLINE)
        .on_failure(report);
    let door = super::Door { setup, sender };
    let served = serve(listener);
    let mut client = door.connect(0).await.unwrap().unwrap();
    assert_echo(&mut client).await;

    let (mut clients, mut transports) = (Vec::new(), Vec::new());
    for _ in 0..CLIENTS {
        let (mut near, far) = duplex(4096);
        near.write_all(said).await.unwrap();
        clients.push(near);
        transports.push(far);
    }
    let before = heap::in_use();
    let begun = Instant::now();
    for (number, far) in transports.into_iter().enumerate() {
        door.sender.send(Ok((far, number))).unwrap();
    }
    // The clock advances only when all tasks wait for it.
    sleep(Duration::from_millis(1)).await;
    let each = (heap::in_use() - before) / CLIENTS as isize;
    assert!(each > 0, "they have not connected yet");
    assert!(each <= bytes, "{each} bytes for a stalled client");

    let mut client = door.connect(CLIENTS).await.unwrap().unwrap();
    assert_echo(&mut client).await;
    assert!(begun.elapsed() < DEADLINE);

    for _ in 0..CLIENTS {
        let failed = reported.recv().await.unwrap();
        assert_eq!(failed.error.kind(), io::ErrorKind::TimedOut, "{failed}");
    }
    assert_eq!(begun.elapsed(), DEADLINE);
    assert!(reported.try_recv().is_err());
    for mut client in clients {
        client.read_to_end(&mut Vec::new()).await.unwrap();
    }
    drop(door);
    assert!(served.await.is_ok());
    let left = heap::in_use() - before;
    assert!(left <= 0, "{left} bytes are left of them");
}

#[tokio::test(start_paused = true)]
async fn silent_clients_are_cheap_and_disconnected_at_the_deadline() {
    assert_cheap(&[], 3500).await;
}

#[tokio::test(start_paused = true)]
async fn clients_with_half_a_hello_are_cheap_and_disconnected_at_the_deadline() {
    let hello = hello(&setup());
    assert_cheap(&hello[..hello.len() / 2], 4000).await;
}
