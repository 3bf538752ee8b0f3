//! A deadline for the first byte after the handshake.

use super::{assert_echo, echo, open, setup};
use pollback_testkit::budget::poll_with;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, advance, sleep, timeout};

const DEADLINE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_disconnected_at_the_deadline() {
    for buffered in [false, true] {
        let (door, listener) = open(setup());
        let mut listener = listener.with_first_byte_deadline(DEADLINE);
        let client = door.connect(1);
        let mut connection = listener.accept().await.unwrap();
        let begun = Instant::now();
        // Bytes of the server do not count.
        connection.write_all(b"welcome").await.unwrap();
        let error = match buffered {
            true => connection.fill_buf().await.map(<[u8]>::len),
            false => connection.read(&mut [0]).await,
        };
        assert_eq!(error.expect_err("too late").kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), DEADLINE);
        drop(client);
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_read_is_no_first_byte() {
    let (door, listener) = open(setup());
    let mut listener = listener.with_first_byte_deadline(DEADLINE);
    let client = door.connect(1);
    let mut connection = listener.accept().await.unwrap();
    assert_eq!(connection.read(&mut []).await.unwrap(), 0);
    let read = timeout(2 * DEADLINE, connection.read(&mut [0])).await;
    let error = read.expect("the deadline").expect_err("too late");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(client);
}

/// A task without budget has to be told apart from a silent client.
#[tokio::test(start_paused = true)]
async fn the_deadline_applies_to_a_task_without_budget() {
    for is_silent in [true, false] {
        let (door, listener) = open(setup());
        let mut listener = listener.with_first_byte_deadline(DEADLINE);
        let client = door.connect(1);
        let mut connection = listener.accept().await.unwrap();
        let mut client = client.await.unwrap().unwrap();
        let mut room = [0];
        let mut read = pin!(connection.read(&mut room));
        assert!(poll_with(0, &mut read).await.is_pending());
        if !is_silent {
            client.write_all(b"x").await.unwrap();
            client.flush().await.unwrap();
        }
        advance(DEADLINE).await;
        match poll_with(0, &mut read).await {
            Poll::Ready(Ok(length)) => assert_eq!((is_silent, length), (false, 1)),
            Poll::Ready(Err(error)) => {
                assert!(is_silent, "{error:?}");
                assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            }
            Poll::Pending => panic!("the deadline has passed"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_first_byte_there_is_no_deadline() {
    let (door, listener) = open(setup());
    let mut listener = listener.with_first_byte_deadline(DEADLINE);
    let client = door.connect(1);
    let echo = tokio::spawn(echo(listener.accept().await.unwrap()));
    let mut client = client.await.unwrap().unwrap();
    sleep(DEADLINE / 2).await;
    for _ in 0..2 {
        assert_echo(&mut client).await;
        sleep(10 * DEADLINE).await;
    }
    client.shutdown().await.unwrap();
    echo.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn bytes_that_arrived_in_time_can_be_read_later() {
    let (door, listener) = open(setup());
    let mut listener = listener.with_first_byte_deadline(DEADLINE);
    let client = door.connect(1);
    let mut connection = listener.accept().await.unwrap();
    let mut client = client.await.unwrap().unwrap();
    client.write_all(b"hello\n").await.unwrap();
    client.flush().await.unwrap();
    sleep(10 * DEADLINE).await;
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    assert_eq!(line, "hello\n");
}
