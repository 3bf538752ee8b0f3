//! The end of a listener.

use super::{Served, assert_echo, connect, echo, hello, open, reports, serve, setup};
use futures_util::{FutureExt, StreamExt, stream};
use pollback::listener::{Ending, Handshaker, Stage, TlsListener, Transports};
use pollback::{Error, ErrorKind};
use pollback_testkit::pipe::{Operation, pipe};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep};

const GRACE: Duration = Duration::from_secs(30);

/// The grace time was over: that, and no failure of the network.
fn assert_ended(error: &io::Error) {
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    let kind = Error::find(error).map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::Ended));
}

fn drain(ending: &Ending) -> JoinHandle<usize> {
    let ending = ending.clone();
    tokio::spawn(async move { ending.drain(GRACE).await })
}

#[tokio::test]
async fn a_stopped_listener_closes_its_socket() {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut listener = TlsListener::new(tcp, super::shared(setup().server()));
    let address = listener.local_addr().unwrap();
    let ending = listener.ending();
    let server = tokio::spawn(async move {
        let ended = listener.accept().await.is_none();
        (ended, listener.local_addr().unwrap_err().kind())
    });
    yield_now().await;
    ending.stop();
    assert_eq!(server.await.unwrap(), (true, io::ErrorKind::NotConnected));
    let error = TcpStream::connect(address)
        .await
        .expect_err("nobody listens");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn handshakes_in_flight_are_finished_and_served() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let ending = listener.ending();
    let server = serve(listener);
    let io = door.knock(1);
    yield_now().await;
    let drained = drain(&ending);
    yield_now().await;
    let mut client = connect(&setup, io).await.expect("it had begun");
    assert_echo(&mut client).await;
    server.await.unwrap();
    assert!(!drained.is_finished(), "a connection is left");
    client.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(drained.await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_listener_without_connections_is_drained_at_once() {
    let (_door, listener) = open(setup());
    let ending = listener.ending();
    let server = serve(listener);
    let begun = Instant::now();
    assert_eq!(ending.drain(GRACE).await, 0);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    server.await.unwrap();
    assert_eq!(ending.drain(GRACE).await, 0, "and stays so");
}

#[tokio::test(start_paused = true)]
async fn what_is_left_after_the_grace_time_is_closed_with_a_close_notify() {
    let (door, mut listener) = open(setup());
    let ending = listener.ending();
    let mut clients = Vec::new();
    let mut served: Vec<JoinHandle<io::Result<()>>> = Vec::new();
    for number in 0..3 {
        let client = door.connect(number);
        served.push(tokio::spawn(echo(listener.accept().await.unwrap())));
        clients.push(client.await.unwrap().unwrap());
    }
    let server = serve(listener);
    let mut stalled = door.knock(3);
    yield_now().await;
    let begun = Instant::now();
    assert_eq!(ending.drain(GRACE).await, 3);
    assert_eq!(begun.elapsed(), GRACE);
    for client in &mut clients {
        // Without close_notify this would be an error.
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }
    for served in served {
        assert_ended(&served.await.unwrap().expect_err("cut off"));
    }
    assert_eq!(stalled.read(&mut [0]).await.unwrap(), 0);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn handshakes_that_the_end_cuts_off_are_reported() {
    let setup = setup();
    let (door, listener) = open(setup.clone());
    let (report, mut reported) = reports();
    let listener = listener.with_deadline(2 * GRACE).on_failure(report);
    let ending = listener.ending();
    let server = serve(listener);
    let _silent = door.knock(0);
    let mut stalled = door.knock(1);
    stalled.write_all(&hello(&setup)).await.unwrap();
    yield_now().await;
    let begun = Instant::now();
    assert_eq!(ending.drain(GRACE).await, 0, "they are no streams yet");
    assert_eq!(begun.elapsed(), GRACE);
    server.await.unwrap();
    let mut stages = [None; 2];
    while let Some(failed) = reported.recv().await {
        assert_ended(&failed.error);
        stages[failed.peer.expect("it is known")] = Some(failed.stage);
    }
    assert_eq!(stages, [Some(Stage::FirstByte), Some(Stage::Handshake)]);
}

/// A connection that the listener has given, and its client.
async fn established() -> (
    Ending,
    Served,
    pollback::client::TlsStream<tokio::io::DuplexStream>,
) {
    let (door, mut listener) = open(setup());
    let client = door.connect(1);
    let connection = listener.accept().await.unwrap();
    (
        listener.ending(),
        connection,
        client.await.unwrap().unwrap(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_reader_and_a_writer_are_both_woken_at_the_end() {
    let (ending, connection, mut client) = established().await;
    let (mut reader, mut writer) = tokio::io::split(connection);
    let reads = tokio::spawn(async move { reader.read(&mut [0]).await });
    let writes = tokio::spawn(async move {
        loop {
            writer.write_all(&[7; 16 * 1024]).await?;
        }
    });
    let drained = drain(&ending);
    sleep(GRACE + Duration::from_millis(1)).await;
    // The writer has filled the pipe; what was written comes before the close_notify.
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    assert!(received.len() > 16 * 1024);
    assert_ended(&reads.await.unwrap().expect_err("cut off"));
    let written: io::Result<()> = writes.await.unwrap();
    assert_ended(&written.expect_err("cut off"));
    assert_eq!(drained.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_takes_no_close_notify_does_not_hold_up_the_end() {
    let (ending, mut connection, client) = established().await;
    let stuck = tokio::spawn(async move {
        loop {
            connection.write_all(&[7; 16 * 1024]).await?;
        }
        #[allow(unreachable_code)] // Says what the task gives.
        io::Result::Ok(())
    });
    let begun = Instant::now();
    assert_eq!(ending.drain(GRACE).await, 1);
    assert_eq!(begun.elapsed(), GRACE + Duration::from_secs(1));
    assert!(!stuck.is_finished());
    drop(client);
    stuck.await.unwrap().expect_err("the client is gone");
}

#[tokio::test(start_paused = true)]
async fn giving_up_to_drain_leaves_connections_alone() {
    let (ending, connection, mut client) = established().await;
    let served = tokio::spawn(echo(connection));
    assert!(ending.drain(GRACE).now_or_never().is_none());
    sleep(2 * GRACE).await;
    assert_echo(&mut client).await;
    client.shutdown().await.unwrap();
    served.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_in_use_fails_when_it_is_used_next() {
    let (ending, mut connection, mut client) = established().await;
    let drained = drain(&ending);
    sleep(GRACE + Duration::from_millis(1)).await;
    let error = connection.write(b"late").await.expect_err("it is over");
    assert_ended(&error);
    connection.flush().await.expect_err("it is over");
    connection.shutdown().await.expect("no harm in that");
    drop(connection);
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(drained.await.unwrap(), 1);
}

/// Serves transports as they are.
#[derive(Clone)]
struct AsItIs;

impl<IO: Send + 'static> Handshaker<IO> for AsItIs {
    type Stream = IO;
    type Facts = ();

    async fn handshake(self, io: IO, _: &mut Stage) -> io::Result<(IO, ())> {
        Ok((io, ()))
    }
}

#[tokio::test(start_paused = true)]
async fn two_tasks_that_close_the_same_connection_both_end() {
    let (_near, far) = pipe(16);
    let control = far.control();
    let incoming = Transports(stream::iter([io::Result::Ok((far, 1))]).chain(stream::pending()));
    let mut listener = TlsListener::new(incoming, AsItIs);
    let ending = listener.ending();
    let (mut reader, mut writer) = tokio::io::split(listener.accept().await.unwrap());
    drop(listener);
    let reads = tokio::spawn(async move { reader.read(&mut [0]).await.map(drop) });
    let writes = tokio::spawn(async move { writer.write_all(&[7; 32]).await });
    // Like a socket, the transport wakes only who has asked last.
    control.block(Operation::Shutdown);
    let drained = drain(&ending);
    sleep(GRACE + Duration::from_millis(1)).await;
    assert!(!reads.is_finished() && !writes.is_finished());
    control.unblock(Operation::Shutdown);
    for task in [reads, writes] {
        assert_ended(&task.await.unwrap().expect_err("cut off"));
    }
    assert_eq!(drained.await.unwrap(), 1);
}
